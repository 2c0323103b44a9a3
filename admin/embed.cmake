# Writes the files of admin/ui into a C++ source: cmake -DOUT=... -DFOLDER=... -P embed.cmake
file(GLOB files ${FOLDER}/*)
list(SORT files)
set(arrays "")
set(rows "")
set(number 0)
# The browser is to fetch all modules at once, and not each when it has read who imports it.
set(preloads "")
foreach(file ${files})
    get_filename_component(name ${file} NAME)
    if(name MATCHES "\\.js$" AND NOT name STREQUAL "start.js")
        string(APPEND preloads "<link rel=\"modulepreload\" href=\"/${name}\">\n")
    endif()
endforeach()
foreach(file ${files})
    get_filename_component(name ${file} NAME)
    get_filename_component(ending ${file} LAST_EXT)
    set(path "/${name}")
    if(name STREQUAL "index.html")
        set(path "/")
    endif()
    if(ending STREQUAL ".html")
        set(type "text/html; charset=utf-8")
    elseif(ending STREQUAL ".js")
        set(type "text/javascript; charset=utf-8")
    elseif(ending STREQUAL ".css")
        set(type "text/css; charset=utf-8")
    elseif(ending STREQUAL ".svg")
        set(type "image/svg+xml")
    else()
        continue()
    endif()
    file(READ ${file} hex HEX)
    file(SHA256 ${file} digest)
    if(path STREQUAL "/")
        file(READ ${file} text)
        string(REPLACE "</head>" "${preloads}</head>" text "${text}")
        string(HEX "${text}" hex)
        string(SHA256 digest "${text}")
    endif()
    string(SUBSTRING ${digest} 0 16 digest)
    string(LENGTH "${hex}" digits)
    math(EXPR bytes "${digits} / 2")
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "\\\\x\\1" text "${hex}")
    # Pieces, for a line of a hundred thousand characters is a trial for every tool.
    string(REGEX REPLACE "((\\\\x[0-9a-f][0-9a-f])(\\\\x[0-9a-f][0-9a-f])(\\\\x[0-9a-f][0-9a-f])(\\\\x[0-9a-f][0-9a-f])(\\\\x[0-9a-f][0-9a-f])(\\\\x[0-9a-f][0-9a-f])(\\\\x[0-9a-f][0-9a-f])(\\\\x[0-9a-f][0-9a-f]))" "\\1\"\n\"" text "${text}")
    string(APPEND arrays "constexpr char bytes_${number}[] =\n\"${text}\";\n")
    string(APPEND rows "    UiFile{\"${path}\", \"${type}\", {bytes_${number}, ${bytes}}, \"\\\"${digest}\\\"\"},\n")
    math(EXPR number "${number} + 1")
endforeach()
file(WRITE ${OUT}.new "// Made from admin/ui by admin/embed.cmake.
#include \"admin/ui_files.hpp\"

#include <algorithm>
#include <array>

namespace poise::admin {

namespace {

${arrays}
constexpr std::array files{
${rows}};

}  // namespace

const UiFile* find_ui_file(std::string_view path) {
    if (path == \"/index.html\") path = \"/\";
    const auto* const found = std::ranges::find(files, path, &UiFile::path);
    return found == files.end() ? nullptr : found;
}

}  // namespace poise::admin
")
file(COPY_FILE ${OUT}.new ${OUT} ONLY_IF_DIFFERENT)
