# vivace_embed_text(TARGET FILE HEADER SYMBOL): makes FILE's text the constant vivace::SYMBOL, a std::string_view that
# HEADER declares, and builds it into TARGET.
function(vivace_embed_text target file header symbol)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${file}")
  file(READ "${file}" text)
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
