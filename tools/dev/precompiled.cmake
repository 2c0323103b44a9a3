# The libraries' headers that most sources include, parsed once a build folder instead of 500 times.
# Sources include what they use all the same: without POISE_PCH nothing is precompiled.
option(POISE_PCH "precompile the libraries' headers; ccache needs what tools/dev/build.sh sets" OFF)

if(POISE_PCH)
    file(WRITE ${CMAKE_BINARY_DIR}/precompiled.cpp "")
    add_library(poise_precompiled STATIC ${CMAKE_BINARY_DIR}/precompiled.cpp)
    target_link_libraries(poise_precompiled PRIVATE fmt::fmt)
    # None of ours: each change of it would compile everything. And no path of this folder, so that
    # a clone elsewhere finds the same objects in the cache. Without <filesystem>: its std::quoted
    # would be found beside our own quoted.
    target_precompile_headers(poise_precompiled PRIVATE
        <algorithm> <array> <atomic> <cassert> <cerrno> <charconv> <chrono> <cstddef> <cstdint>
        <cstdlib> <cstring> <deque> <expected> <fstream> <functional> <iterator> <map> <memory>
        <mutex> <optional> <random> <set> <span> <sstream> <string> <string_view> <system_error>
        <thread> <unordered_map> <utility> <vector> <sys/socket.h> <unistd.h>
        <boost/asio/awaitable.hpp> <boost/asio/buffer.hpp> <fmt/format.h>)
    # CMake would also name the header it made by a full path, which ccache takes for an option.
    set(CMAKE_CXX_COMPILE_OPTIONS_USE_PCH -Xclang -include-pch -Xclang <PCH_FILE>)
    # Not by ccache: what comes out names this folder.
    set_target_properties(poise_precompiled PROPERTIES
        CXX_COMPILER_LAUNCHER ${CMAKE_SOURCE_DIR}/tools/dev/precompile)
endif()

# precompiled(TARGET...): these start from the precompiled headers; they link fmt::fmt.
function(precompiled)
    if(POISE_PCH)
        foreach(target ${ARGN})
            target_precompile_headers(${target} REUSE_FROM poise_precompiled)
        endforeach()
    endif()
endfunction()
