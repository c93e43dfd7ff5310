# cmake -D build=<folder> -D config=<name> -D prefix=<folder> -D bindir=... -D mandir=... -D datadir=... -P
# check_install.cmake: what is installed of this build runs, and its manual page and completions are its own.
unset(ENV{DESTDIR})
file(REMOVE_RECURSE "${prefix}")
execute_process(COMMAND "${CMAKE_COMMAND}" --install "${build}" --config "${config}" --prefix "${prefix}"
                OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)

function(check_page path) # is what the installed program prints, called with the other arguments
    execute_process(COMMAND "${prefix}/${bindir}/fpt-webhooks" ${ARGN} OUTPUT_VARIABLE printed
                    COMMAND_ERROR_IS_FATAL ANY)
    file(READ "${prefix}/${path}" page)
    if(NOT page STREQUAL printed OR page STREQUAL "")
        message(FATAL_ERROR "${prefix}/${path} is not what fpt-webhooks ${ARGN} prints")
    endif()
endfunction()
check_page("${mandir}/man1/fpt-webhooks.1" manual)
check_page("${datadir}/bash-completion/completions/fpt-webhooks" completions bash)
check_page("${datadir}/zsh/site-functions/_fpt-webhooks" completions zsh)
check_page("${datadir}/fish/vendor_completions.d/fpt-webhooks.fish" completions fish)
