# SPDX-License-Identifier: Apache-2.0
#
# The few verbs with which every folder declares what it holds:
#   weir_layer(NAME SOURCES ... DEPS ...)               a folder of src/ as a library weir_NAME
#   weir_test(NAME SOURCES ... LIBS ... LABELS ...)     a GoogleTest program, registered with CTest
#   weir_bench(NAME SOURCES ... LIBS ...)               a Google Benchmark program
#   weir_fuzz(NAME SOURCES ... LIBS ... CORPUS dir)     a libFuzzer target; its corpus also runs as a test

# Warnings stop the build with the compilers that every change is tried with. Another compiler has
# other warnings, and these must not keep a user from building.
set(tried_compiler OFF)
if((CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION MATCHES "^12\\.")
   OR (CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND CMAKE_CXX_COMPILER_VERSION MATCHES "^14\\."))
  set(tried_compiler ${PROJECT_IS_TOP_LEVEL})
endif()
option(WEIR_WERROR "Warnings are errors" ${tried_compiler})

# -g1 keeps function names and line numbers for profiles and backtraces and spares most of the time
# and space of full symbols; the debug preset has them. -O1 keeps checked builds within minutes.
add_library(weir_flags INTERFACE)
target_compile_options(weir_flags INTERFACE
  -Wall -Wextra -Wno-missing-field-initializers $<$<BOOL:${WEIR_WERROR}>:-Werror>
  -fno-omit-frame-pointer $<$<CONFIG:Debug>:-O1> $<$<CONFIG:RelWithDebInfo>:-g1>)
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  target_compile_options(weir_flags INTERFACE -Wthread-safety)
endif()
if(WEIR_SANITIZE)
  target_compile_options(weir_flags INTERFACE -fsanitize=${WEIR_SANITIZE} -fno-sanitize-recover=all
                                              -g1)
  target_link_options(weir_flags INTERFACE -fsanitize=${WEIR_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # The instrumentation hides initialisations from GCC's analysis: false alarms in std::optional.
    target_compile_options(weir_flags INTERFACE -Wno-maybe-uninitialized)
  endif()
endif()
if(WEIR_FUZZ)
  target_compile_options(weir_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
target_include_directories(weir_flags INTERFACE ${PROJECT_SOURCE_DIR}/include
                                                ${PROJECT_SOURCE_DIR}/src)

set_property(GLOBAL PROPERTY WEIR_LAYERS "")

# Objects once, then a library per layer for the tests and one library of all for users.
function(weir_layer name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_library(weir_${name}_obj OBJECT ${ARG_SOURCES})
  target_link_libraries(weir_${name}_obj PUBLIC weir_flags fmt::fmt nlohmann_json::nlohmann_json
                                                tl::expected Threads::Threads)
  add_library(weir_${name} STATIC $<TARGET_OBJECTS:weir_${name}_obj>)
  target_link_libraries(weir_${name} PUBLIC weir_flags fmt::fmt nlohmann_json::nlohmann_json
                                            tl::expected Threads::Threads)
  foreach(dep ${ARG_DEPS})
    target_link_libraries(weir_${name} PUBLIC weir_${dep})
  endforeach()
  set_property(GLOBAL APPEND PROPERTY WEIR_LAYERS ${name})
endfunction()

function(weir_test name)
  if(NOT WEIR_TESTS)
    return()
  endif()
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBS;LABELS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_LIBS} GTest::gmock GTest::gtest_main)
  target_compile_definitions(${name} PRIVATE WEIR_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60
                       PROPERTIES TIMEOUT 600 LABELS "${ARG_LABELS}")
endfunction()

function(weir_bench name)
  if(NOT WEIR_BENCH)
    return()
  endif()
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_LIBS} benchmark::benchmark)
  target_compile_definitions(${name} PRIVATE WEIR_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
endfunction()

# With WEIR_FUZZ the target is a libFuzzer program. Without it the same entry point is linked to a
# small driver that runs every file of the corpus, so that plain `ctest` replays past findings.
function(weir_fuzz name)
  cmake_parse_arguments(ARG "" "CORPUS" "SOURCES;LIBS" ${ARGN})
  if(WEIR_FUZZ)
    add_executable(${name} ${ARG_SOURCES})
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  elseif(WEIR_TESTS)
    add_executable(${name} ${ARG_SOURCES} ${PROJECT_SOURCE_DIR}/tests/fuzz/replay_main.cpp)
    add_test(NAME ${name}.corpus COMMAND ${name} ${ARG_CORPUS})
  else()
    return()
  endif()
  target_link_libraries(${name} PRIVATE ${ARG_LIBS})
endfunction()
