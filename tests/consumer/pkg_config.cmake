# A project without CMake: one line of compiler, with the flags that pkg-config gives for the receiver.
set(ENV{PKG_CONFIG_PATH} "${prefix}/lib/pkgconfig:${prefix}/lib64/pkgconfig")
set(options --cflags --libs)
if(linkage STREQUAL "static")
    list(APPEND options --static)
endif()
execute_process(COMMAND pkg-config ${options} fpt_webhooks_receiver
                OUTPUT_VARIABLE flags OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
if(flags MATCHES "-l(curl|sqlite|fmt|fpt_webhooks_receiver_sqlite)")
    message(FATAL_ERROR "A receiver links more than it needs: ${flags}")
endif()
# The same prefix serves a whole dispatcher: every .pc file that the umbrella names is there.
execute_process(COMMAND pkg-config --exists --print-errors "fpt_webhooks >= 0.1" COMMAND_ERROR_IS_FATAL ANY)

separate_arguments(flags UNIX_COMMAND "${flags}")
file(MAKE_DIRECTORY "${build}")
execute_process(COMMAND "${compiler}" -std=c++20 "${CMAKE_CURRENT_LIST_DIR}/receive.cpp" -o "${build}/receive" ${flags}
                COMMAND_ECHO STDOUT COMMAND_ERROR_IS_FATAL ANY)
set(ENV{LD_LIBRARY_PATH} "${prefix}/lib:${prefix}/lib64")
execute_process(COMMAND "${build}/receive" COMMAND_ERROR_IS_FATAL ANY)
