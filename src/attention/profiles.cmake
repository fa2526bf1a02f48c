# SPDX-License-Identifier: Apache-2.0
#
# Puts the device profiles into the program: one raw string per file, by its name, in
# builtin_profiles.cpp in the build folder. A changed file configures anew.
file(GLOB profile_files CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/profiles/*.json)
list(SORT profile_files)
set(builtin_profiles "")
foreach(file ${profile_files})
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
  get_filename_component(name ${file} NAME_WE)
  file(READ ${file} text)
  string(APPEND builtin_profiles "    {\"${name}\", R\"profile(${text})profile\"},\n")
endforeach()
set(builtin_profiles_source ${CMAKE_CURRENT_BINARY_DIR}/builtin_profiles.cpp)
file(CONFIGURE OUTPUT ${builtin_profiles_source} @ONLY CONTENT [[
// Written by the build from src/attention/profiles.
#include "attention/builtin_profiles.h"

namespace weir {
namespace {

constexpr BuiltinProfileText kTexts[] = {
@builtin_profiles@};

}  // namespace

std::span<const BuiltinProfileText> BuiltinProfileTexts() { return kTexts; }

}  // namespace weir
]])
