# cmake -D tree=... -D source=... -D build=... -D compiler=... -D generator=... -P check.cmake: what a host has set as a
# plain variable is gone when it no longer sets it.
file(REMOVE_RECURSE "${build}")
function(expect components)
    execute_process(COMMAND "${CMAKE_COMMAND}" -S "${source}" -B "${build}" -G "${generator}" ${ARGN}
                            "-DCMAKE_CXX_COMPILER=${compiler}" "-DFPT_WEBHOOKS_TREE=${tree}"
                    OUTPUT_VARIABLE said ERROR_VARIABLE said RESULT_VARIABLE failed)
    if(failed OR NOT said MATCHES "components: ${components}[.]\n")
        message(FATAL_ERROR "with ${ARGN} expected the components \"${components}\":\n${said}")
    endif()
endfunction()
expect("receiver" -DRECEIVER= -DRECEIVER_SQLITE=OFF)
expect("receiver;receiver_sqlite" -DRECEIVER= -DRECEIVER_SQLITE=)
expect("" -DRECEIVER=OFF -DRECEIVER_SQLITE=)
expect("receiver;receiver_sqlite" -DRECEIVER= -DRECEIVER_SQLITE=)
