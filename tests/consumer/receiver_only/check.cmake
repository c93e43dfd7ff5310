# Run in the build folder: looks at the link command and at everything that the program loads, then runs it.
set(forbidden "curl|sqlite3|fmt|fpt_webhooks_sender|fpt_webhooks_curl|fpt_webhooks_sender_sqlite|fpt_webhooks_receiver_sqlite")

execute_process(COMMAND "${CMAKE_COMMAND}" --build . --target receive --clean-first --verbose
                OUTPUT_VARIABLE build_log COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCH "[^\n]*-o receive [^\n]*" link_command "${build_log}")
if(NOT link_command MATCHES "fpt_webhooks_core")
    message(FATAL_ERROR "No link command found in:\n${build_log}")
endif()
if(link_command MATCHES "-l(${forbidden})|/lib(${forbidden})[.-]")
    message(FATAL_ERROR "A receiver links more than it needs:\n${link_command}")
endif()

# The whole closure, as a closed list: what libcrypto brings by itself is its own business, and on Debian 12 nothing.
execute_process(COMMAND ldd ./receive OUTPUT_VARIABLE loaded COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "[^\n]+" loaded "${loaded}")
foreach(line IN LISTS loaded)
    if(NOT line MATCHES "(linux-vdso|ld-linux[a-z0-9-]*|libc|libm|libstdc\\+\\+|libgcc_s|libcrypto|libfpt_webhooks_core|libfpt_webhooks_receiver)\\.so[. ]")
        message(FATAL_ERROR "A receiver loads more than it needs: ${line}")
    endif()
endforeach()

execute_process(COMMAND ./receive COMMAND_ERROR_IS_FATAL ANY)
