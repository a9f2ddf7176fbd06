# core/ops/list.cmake is the one list of operations. What belongs to each of them must be there, and nothing else:
# a kernel without a twin, or a twin without its worked example, stops the configure step.
# As a script, `cmake -P ci/cmake/kigo_ops.cmake` looks at the tree it is run in (tests/ci/complete_ops_test.cmake).
cmake_minimum_required(VERSION 3.25)
include(${CMAKE_SOURCE_DIR}/core/ops/list.cmake)

# Sets `out` to the names, without folder and extension, of the files that match the pattern.
function(_kigo_stems out pattern)
  set(rerun CONFIGURE_DEPENDS)
  if(CMAKE_SCRIPT_MODE_FILE)
    set(rerun)
  endif()
  file(GLOB files ${rerun} ${CMAKE_SOURCE_DIR}/${pattern})
  list(TRANSFORM files REPLACE "^.*/([^/]*)\\.[a-z]+$" "\\1")
  set(${out} ${files} PARENT_SCOPE)
endfunction()

# Appends to `faults` every file among folder/*.extension that is neither an op nor in `support`.
macro(_kigo_no_strays folder extension support)
  _kigo_stems(stems ${folder}/*.${extension})
  foreach(stem IN LISTS stems)
    if(NOT stem IN_LIST OPS AND NOT stem IN_LIST ${support})
      list(APPEND faults "${folder}/${stem}.${extension} is not in OPS (core/ops/list.cmake)")
    endif()
  endforeach()
endmacro()

function(require_complete_ops)
  set(faults)
  foreach(op IN LISTS OPS)
    set(worked_example tests/reference/${op}_test.cc)
    set(files core/ops/${op}.h reference/${op}.h reference/${op}.cc ${worked_example})
    if(NOT op IN_LIST REFERENCE_ONLY)
      list(APPEND files kernels/${op}.h kernels/${op}.cu tests/pairs/${op}.h)
    endif()
    foreach(file IN LISTS files)
      if(NOT EXISTS ${CMAKE_SOURCE_DIR}/${file})
        list(APPEND faults "${op}: missing ${file}")
      endif()
    endforeach()
    if(EXISTS ${CMAKE_SOURCE_DIR}/${worked_example})
      set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${worked_example})
      file(STRINGS ${CMAKE_SOURCE_DIR}/${worked_example} found REGEX "^TEST.*WorkedExample" LIMIT_COUNT 1)
      if(NOT found)
        list(APPEND faults "${op}: no WorkedExample in ${worked_example}")
      endif()
    endif()
  endforeach()
  foreach(op IN LISTS REFERENCE_ONLY)
    if(NOT op IN_LIST OPS)
      list(APPEND faults "${op} is in REFERENCE_ONLY, but not in OPS (core/ops/list.cmake)")
    elseif(EXISTS ${CMAKE_SOURCE_DIR}/kernels/${op}.cu)
      list(APPEND faults "${op} is in REFERENCE_ONLY, but there is kernels/${op}.cu")
    endif()
  endforeach()
  _kigo_no_strays(core/ops h OP_SUPPORT)
  _kigo_no_strays(core/ops cc OP_SUPPORT)
  _kigo_no_strays(reference h REFERENCE_SUPPORT)
  _kigo_no_strays(reference cc REFERENCE_SUPPORT)
  _kigo_no_strays(kernels h KERNEL_SUPPORT)
  _kigo_no_strays(kernels cc KERNEL_SUPPORT)
  _kigo_no_strays(kernels cu KERNEL_SUPPORT)
  if(faults)
    list(JOIN faults "\n" text)
    message(FATAL_ERROR "${text}")
  endif()
endfunction()

# Sets `out` to sources, written to the build folder, that define kigo::pairs::all_pairs(): one file for each op, so
# that they are compiled side by side. tests/pairs/kv_append.h must define KvAppendPairs.
function(kigo_generate_pairs out)
  set(folder ${CMAKE_CURRENT_BINARY_DIR}/generated)
  set(sources)
  set(declarations)
  set(calls)
  foreach(op IN LISTS OPS)
    if(op IN_LIST REFERENCE_ONLY)
      continue()
    endif()
    string(REPLACE "_" ";" words ${op})
    set(camel)
    foreach(word IN LISTS words)
      string(SUBSTRING ${word} 0 1 first)
      string(SUBSTRING ${word} 1 -1 rest)
      string(TOUPPER ${first} first)
      string(APPEND camel ${first}${rest})
    endforeach()
    file(CONFIGURE OUTPUT ${folder}/${op}_pairs.cc @ONLY CONTENT
"#include \"tests/pairs/any_pair.h\"
#include \"tests/pairs/${op}.h\"

namespace kigo::pairs {
std::vector<PairPtr> ${op}_pairs() { return erased(${camel}Pairs{}); }
}  // namespace kigo::pairs
")
    list(APPEND sources ${folder}/${op}_pairs.cc)
    string(APPEND declarations "std::vector<PairPtr> ${op}_pairs();\n")
    string(APPEND calls "  for (PairPtr& pair : ${op}_pairs()) all.push_back(std::move(pair));\n")
  endforeach()
  file(CONFIGURE OUTPUT ${folder}/all_pairs.cc @ONLY CONTENT
"#include <utility>

#include \"tests/pairs/any_pair.h\"

namespace kigo::pairs {
${declarations}
static std::vector<PairPtr> gathered() {
  std::vector<PairPtr> all;
${calls}  return all;
}

const std::vector<PairPtr>& all_pairs() {
  static const std::vector<PairPtr> pairs = gathered();
  return pairs;
}
}  // namespace kigo::pairs
")
  set(${out} ${sources} ${folder}/all_pairs.cc PARENT_SCOPE)
endfunction()

require_complete_ops()
