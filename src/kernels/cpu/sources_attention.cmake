# SPDX-License-Identifier: Apache-2.0
#
# Attention and the elementwise ops. Only the files of one instruction set get its flags: what others
# include must not exist in a version that some CPUs cannot run. Contraction is off so that template
# instances cannot differ in where they fuse a multiplication with an addition.
list(APPEND sources cpu/attention.cpp cpu/attention_avx2.cpp cpu/attention_avx512.cpp
                    cpu/elementwise.cpp cpu/elementwise_avx2.cpp cpu/elementwise_avx512.cpp)
set(attention_avx2_flags -O3 -ffp-contract=off -mavx2 -mfma -mf16c)
set(attention_avx512_flags -O3 -ffp-contract=off -mavx512f -mavx512bw -mavx512dq -mavx512vl
                           -mavx512bf16 -mavx512vnni -mfma -mf16c)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC's own intrinsics start from deliberately uninitialised registers.
  list(APPEND attention_avx512_flags -Wno-uninitialized -Wno-maybe-uninitialized)
endif()
set_source_files_properties(cpu/attention_avx2.cpp cpu/elementwise_avx2.cpp
                            PROPERTIES COMPILE_OPTIONS "${attention_avx2_flags}")
set_source_files_properties(cpu/attention_avx512.cpp cpu/elementwise_avx512.cpp
                            PROPERTIES COMPILE_OPTIONS "${attention_avx512_flags}")
