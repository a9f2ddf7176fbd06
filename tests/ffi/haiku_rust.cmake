# Builds examples/rust/haiku.rs with plain rustc and runs it; NOT RUN where there is no rustc.
#   cmake -DSOURCE=haiku.rs -DLIBRARY_FOLDER=build/cpu/lib -DOUT=PROGRAM "-DARGUMENTS=MODEL;KIGO" -P haiku_rust.cmake
find_program(RUSTC rustc HINTS $ENV{HOME}/.cargo/bin)
if(NOT RUSTC)
  message(STATUS "NOT RUN: no rustc")
  return()
endif()
execute_process(COMMAND ${RUSTC} -D warnings ${SOURCE} -L native=${LIBRARY_FOLDER} -l dylib=kigo
                        -C link-arg=-Wl,-rpath,${LIBRARY_FOLDER} -o ${OUT} RESULT_VARIABLE built)
if(NOT built EQUAL 0)
  message(FATAL_ERROR "rustc: ${built}")
endif()
execute_process(COMMAND ${OUT} ${ARGUMENTS} RESULT_VARIABLE ran OUTPUT_VARIABLE said)
message("${said}")
if(NOT ran EQUAL 0)
  message(FATAL_ERROR "haiku_rust: exit status ${ran}")
endif()
