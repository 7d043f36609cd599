# vivace_embed_text(TARGET FILE HEADER SYMBOL): makes FILE's text the constant vivace::SYMBOL, a std::string_view that
# HEADER declares, and builds it into TARGET. A line "@include NAME@" in FILE becomes the text of NAME beside it.
function(vivace_embed_text target file header symbol)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${file}")
  get_filename_component(folder "${file}" DIRECTORY)
  file(READ "${file}" text)
  string(REGEX MATCHALL "@include [a-z_.]+@" includes "${text}")
  foreach(include IN LISTS includes)
    string(REGEX REPLACE "@include ([a-z_.]+)@" "\\1" name "${include}")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${folder}/${name}")
    file(READ "${folder}/${name}" part)
    string(REPLACE "${include}\n" "${part}" text "${text}")
  endforeach()
  set(source "${CMAKE_BINARY_DIR}/generated/${symbol}.cc")
  file(CONFIGURE OUTPUT "${source}" @ONLY CONTENT [=[
// Made from @file@ by the build.
#include "@header@"

namespace vivace {
const std::string_view @symbol@ = R"embedded_text(@text@)embedded_text";
}  // namespace vivace
]=])
  target_sources(${target} PRIVATE "${source}")
endfunction()
