// The JSON of `poise status`, parsed once for all who look at it each second.
#pragma once

#include <string>

namespace poise::admin {

class StatusDocument {
public:
    /// What is no JSON is a document that is no object.
    explicit StatusDocument(const std::string& text);
    ~StatusDocument();
    StatusDocument(const StatusDocument&) = delete;
    StatusDocument& operator=(const StatusDocument&) = delete;

    /// `Json` is nlohmann::json, too heavy for this header.
    template <typename Json>
    const Json& as() const {
        return *static_cast<const Json*>(value_);
    }

private:
    const void* value_;
};

}  // namespace poise::admin
