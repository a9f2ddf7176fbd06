# The configure step must stop, and say why, when a part of an operation is missing or belongs to none:
#   cmake -DSCRIPT=ci/cmake/kigo_ops.cmake -DSCRATCH=<folder> -P tests/ci/complete_ops_test.cmake
cmake_minimum_required(VERSION 3.25)
set(worked "TEST(Rope, WorkedExample) {}\n")

# A tree with one complete operation, rope, and the files around it.
function(make_tree)
  file(REMOVE_RECURSE ${SCRATCH})
  foreach(file core/ops/rope.h core/ops/matrix.h reference/rope.h reference/rope.cc reference/model.cc
               kernels/rope.h kernels/rope.cu kernels/model.cc tests/pairs/rope.h)
    file(WRITE ${SCRATCH}/${file} "")
  endforeach()
  file(WRITE ${SCRATCH}/tests/reference/rope_test.cc "${worked}")
  file(WRITE ${SCRATCH}/core/ops/list.cmake
       "set(OPS rope)\nset(OP_SUPPORT matrix)\nset(REFERENCE_SUPPORT model)\n"
       "set(KERNEL_SUPPORT model)\n")
endfunction()

# Runs the check in the tree; an empty expectation is that it passes.
function(expect name message)
  execute_process(COMMAND ${CMAKE_COMMAND} -P ${SCRIPT} WORKING_DIRECTORY ${SCRATCH}
                  RESULT_VARIABLE status ERROR_VARIABLE text OUTPUT_QUIET)
  string(REGEX REPLACE "[ \n]+" " " text "${text}")  # CMake wraps its messages
  string(FIND "${text}" "${message}" at)
  if(message STREQUAL "" AND NOT status EQUAL 0)
    message(SEND_ERROR "${name}: refused: ${text}")
  elseif(NOT message STREQUAL "" AND (status EQUAL 0 OR at EQUAL -1))
    message(SEND_ERROR "${name}: exit status ${status}, expected \"${message}\" in: ${text}")
  endif()
endfunction()

make_tree()
expect(complete "")

foreach(file core/ops/rope.h reference/rope.h reference/rope.cc tests/reference/rope_test.cc kernels/rope.h
             kernels/rope.cu tests/pairs/rope.h)
  make_tree()
  file(REMOVE ${SCRATCH}/${file})
  expect("without ${file}" "rope: missing ${file}")
endforeach()

make_tree()
file(WRITE ${SCRATCH}/tests/reference/rope_test.cc "TEST(Rope, Other) {}\n")
expect("without a worked example" "rope: no WorkedExample in tests/reference/rope_test.cc")

foreach(stray core/ops/stray.h reference/stray.cc reference/stray.h kernels/stray.h kernels/stray.cc kernels/stray.cu)
  make_tree()
  file(WRITE ${SCRATCH}/${stray} "")
  expect("with ${stray}" "${stray} is not in OPS (core/ops/list.cmake)")
endforeach()

make_tree()
file(APPEND ${SCRATCH}/core/ops/list.cmake "set(REFERENCE_ONLY rope)\n")
expect("a reference-only operation with a kernel" "rope is in REFERENCE_ONLY, but there is kernels/rope.cu")
file(REMOVE ${SCRATCH}/kernels/rope.h ${SCRATCH}/kernels/rope.cu ${SCRATCH}/tests/pairs/rope.h)
expect("a reference-only operation" "")

make_tree()
file(APPEND ${SCRATCH}/core/ops/list.cmake "set(REFERENCE_ONLY ghost)\n")
expect("an unknown reference-only operation" "ghost is in REFERENCE_ONLY, but not in OPS")

file(REMOVE_RECURSE ${SCRATCH})
