// A library that is loaded when it is needed, so that who does not need it does not pay for it.
#pragma once

#include <dlfcn.h>

namespace poise {

/// Stays loaded until the program ends: threads and exit handlers may be in its code.
class SharedLibrary {
public:
    /// `name` as the loader finds it: "libcurl.so.4". loaded() tells whether it was there.
    explicit SharedLibrary(const char* name)
        : handle_(::dlopen(name, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE)) {}

    bool loaded() const { return handle_ != nullptr; }

    /// Points `function` to what is called `name` there. False: there is no such thing.
    template <typename Function>
    bool find(const char* name, Function& function) const {
        function = reinterpret_cast<Function>(::dlsym(handle_, name));
        return function != nullptr;
    }

private:
    void* handle_;
};

}  // namespace poise
