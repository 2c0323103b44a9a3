#include "admin/status_document.hpp"

#include <nlohmann/json.hpp>

namespace poise::admin {

using nlohmann::json;

StatusDocument::StatusDocument(const std::string& text)
    : value_(new json(json::parse(text, nullptr, false))) {}

StatusDocument::~StatusDocument() {
    delete static_cast<const json*>(value_);
}

}  // namespace poise::admin
