// A library that is loaded when it is needed, so that who does not need it does not pay for it.
#pragma once

#include <dlfcn.h>
#include <utility>

namespace poise {

class SharedLibrary {
public:
    SharedLibrary() = default;
    /// `name` as the loader finds it: "libcurl.so.4". loaded() tells whether it was there.
    explicit SharedLibrary(const char* name) : handle_(::dlopen(name, RTLD_NOW | RTLD_LOCAL)) {}
    ~SharedLibrary() {
        if (handle_ != nullptr) ::dlclose(handle_);
    }
    SharedLibrary(SharedLibrary&& other) noexcept
        : handle_(std::exchange(other.handle_, nullptr)) {}
    SharedLibrary& operator=(SharedLibrary&& other) noexcept {
        std::swap(handle_, other.handle_);
        return *this;
    }

    bool loaded() const { return handle_ != nullptr; }

    /// Points `function` to what is called `name` there. False: there is no such thing.
    template <typename Function>
    bool find(const char* name, Function& function) const {
        function = reinterpret_cast<Function>(::dlsym(handle_, name));
        return function != nullptr;
    }

private:
    void* handle_ = nullptr;
};

}  // namespace poise
