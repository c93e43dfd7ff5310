# Installs the packages of package-lock.json, exactly, into the build folder; does nothing when they are there.
# cmake -D npm=<program> -D source=<this folder> -D build=<folder> -P npm_ci.cmake
file(MAKE_DIRECTORY "${build}")
foreach(name IN ITEMS package.json package-lock.json peer.mjs)
    configure_file("${source}/${name}" "${build}/${name}" COPYONLY)
endforeach()
file(SHA256 "${build}/package-lock.json" wanted)
set(installed "")
if(EXISTS "${build}/installed")
    file(READ "${build}/installed" installed)
endif()
if(NOT installed STREQUAL wanted)
    execute_process(COMMAND "${npm}" ci --ignore-scripts --no-audit --no-fund
                    WORKING_DIRECTORY "${build}" COMMAND_ERROR_IS_FATAL ANY)
    file(WRITE "${build}/installed" "${wanted}")
endif()
