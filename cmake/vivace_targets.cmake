# vivace_library(FOLDER PUBLIC … PRIVATE …): the library of src/FOLDER (all .cc but tests and main.cc), and, where the
# folder has *_test.cc files, the program that runs them. With NAME the last part of FOLDER they are called vivace_NAME
# and NAME_test.
function(vivace_library folder)
  cmake_parse_arguments(ARG "" "" "PUBLIC;PRIVATE" ${ARGN})
  get_filename_component(name "${folder}" NAME)
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/src/${folder}/*.cc")
  list(FILTER sources EXCLUDE REGEX "(_test|/main|_testing)\\.cc$")
  if(sources)
    add_library(vivace_${name} STATIC ${sources})
    target_link_libraries(vivace_${name} PUBLIC ${ARG_PUBLIC} PRIVATE ${ARG_PRIVATE})
    target_include_directories(vivace_${name} PUBLIC "${CMAKE_SOURCE_DIR}/src")
  else()
    add_library(vivace_${name} INTERFACE)
    target_link_libraries(vivace_${name} INTERFACE ${ARG_PUBLIC} ${ARG_PRIVATE})
    target_include_directories(vivace_${name} INTERFACE "${CMAKE_SOURCE_DIR}/src")
  endif()
  vivace_unit_tests(${folder} ${ARG_PRIVATE})
endfunction()

function(vivace_unit_tests folder)
  get_filename_component(name "${folder}" NAME)
  file(GLOB tests CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/src/${folder}/*_test.cc")
  if(NOT VIVACE_BUILD_TESTS OR NOT tests)
    return()
  endif()
  # What several of the tests share.
  file(GLOB shared CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/src/${folder}/*_testing.cc")
  find_package(GTest REQUIRED)
  add_executable(${name}_test ${tests} ${shared})
  target_link_libraries(${name}_test PRIVATE vivace_${name} ${ARGN} GTest::gmock GTest::gtest_main)
  # Relative, and run from there: the objects are the same in every clone, so ccache finds them.
  target_compile_definitions(${name}_test PRIVATE VIVACE_SOURCE_DIR=".")
  add_test(NAME ${name}_test COMMAND ${name}_test WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}")
endfunction()

function(vivace_program name source)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  if(EXISTS "${CMAKE_SOURCE_DIR}/${source}")
    add_executable(${name} ${source})
    target_link_libraries(${name} PRIVATE ${ARG_LINK})
  endif()
endfunction()

# vivace_isa_sources(NAME ISA FLAGS…): src/NAME/ISA_*.cc are compiled with the instruction set's flags on x86-64 and left
# out on other machines. -O3 in every build type but Debug: register tiles need full unrolling to stay in registers.
function(vivace_isa_sources name isa)
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/src/${name}/${isa}_*.cc")
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    # g++ 12 takes the undefined lanes of its own intrinsics for a mistake of ours (GCC bug 105593).
    set(quiet "$<$<CXX_COMPILER_ID:GNU>:-Wno-uninitialized;-Wno-maybe-uninitialized>")
    set(optimize "$<$<NOT:$<CONFIG:Debug>>:-O3>")
    if(VIVACE_SANITIZE)
      set(optimize -O2)  # at -O3 each takes minutes with the sanitizers' code in it
    endif()
    set_source_files_properties(${sources} PROPERTIES COMPILE_OPTIONS
                                "${ARGN};-fno-exceptions;${optimize};${quiet}")
  else()
    set_source_files_properties(${sources} PROPERTIES HEADER_FILE_ONLY ON)
  endif()
endfunction()

# vivace_emulated_tables(TARGET…): the targets get the sources of the tables that few CPUs can run a second time, compiled
# against SIMDe's definitions of the intrinsics and ours of AVX-VNNI and AMX, and so run them anywhere.
function(vivace_emulated_tables)
  find_path(SIMDE_INCLUDE_DIR simde/x86/avx512.h)
  if(NOT SIMDE_INCLUDE_DIR OR NOT CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    message(STATUS "Without SIMDe (libsimde-dev): AVX-512 is tested only on CPUs that have it")
    return()
  endif()
  if(NOT TARGET vivace_emulated_tables)
    vivace_emulated_tables_library()
  endif()
  foreach(target ${ARGN})
    target_link_libraries(${target} PRIVATE vivace_emulated_tables)
    target_compile_definitions(${target} PRIVATE VIVACE_EMULATES_TABLES)
  endforeach()
endfunction()

function(vivace_emulated_tables_library)
  add_library(vivace_emulated_tables STATIC)
  target_include_directories(vivace_emulated_tables PRIVATE "${CMAKE_SOURCE_DIR}/src" SYSTEM PRIVATE "${SIMDE_INCLUDE_DIR}")
  # Little of the compiler's time for little of the tests'.
  target_compile_options(vivace_emulated_tables PRIVATE -mavx2 -mfma -O1 -w)
  foreach(header avx512_emulation_testing.h avx_vnni_emulation_testing.h amx_emulation_testing.h)
    target_compile_options(vivace_emulated_tables PRIVATE "SHELL:-include \"${CMAKE_SOURCE_DIR}/src/kernels/${header}\"")
  endforeach()
  foreach(table avx2_vnni avx512 avx512_vnni avx512_vnni_bf16 avx512_amx)
    set(copy "${CMAKE_BINARY_DIR}/emulated/${table}_emulated.cc")
    file(CONFIGURE OUTPUT "${copy}" CONTENT
         "#define kernel_table_${table} kernel_table_${table}_emulated\n#include \"kernels/${table}_kernels.cc\"\n" @ONLY)
    target_sources(vivace_emulated_tables PRIVATE "${copy}")
  endforeach()
endfunction()
