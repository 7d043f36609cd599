# libvivace_openvino.so: the part of src/onnx that needs OpenVINO, a module of its own beside the programs, which open it
# when they first load an ONNX file (src/onnx/openvino_module.h says why). OpenVINO comes out of the `openvino` package in
# .venv or from -DOpenVINO_DIR=…; without it there is no module, and ONNX files are refused with a message.
# The module finds OpenVINO's libraries by the absolute path that they have here.
file(GLOB vivace_openvino_wheel "${CMAKE_SOURCE_DIR}/.venv/lib/python3*/site-packages/openvino/cmake")
# The thread sanitizer does not see OpenVINO's own synchronisation and would report all of it; the address sanitizer ends a
# process that opens libraries as OpenVINO's TBB does (RTLD_DEEPBIND).
if(NOT VIVACE_SANITIZE)
  find_package(OpenVINO QUIET COMPONENTS Runtime HINTS ${vivace_openvino_wheel})
endif()
# Other dependencies of the wheel's package must not be taken for ours.
if(OpenVINO_FOUND)
  file(GLOB vivace_openvino_sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/src/onnx/openvino/*.cc")
  add_library(vivace_openvino MODULE ${vivace_openvino_sources})
  target_include_directories(vivace_openvino PRIVATE "${CMAKE_SOURCE_DIR}/src")
  target_link_libraries(vivace_openvino PRIVATE openvino::runtime)
  set_target_properties(vivace_openvino PROPERTIES CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  message(STATUS "OpenVINO ${OpenVINO_VERSION}: ONNX files can be run")
else()
  message(STATUS "OpenVINO is not used: ONNX files will be refused")
endif()

# vivace_uses_openvino(TARGET): TARGET opens the module, so building TARGET builds it too.
function(vivace_uses_openvino target)
  if(TARGET vivace_openvino AND TARGET ${target})
    add_dependencies(${target} vivace_openvino)
  endif()
endfunction()
