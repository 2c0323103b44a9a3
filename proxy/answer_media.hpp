// In which form an answer of ours is written. For error_answer.cpp.
#pragma once

#include <cstdint>
#include <string_view>

namespace poise::proxy {

enum class AnswerMedia : std::uint8_t { text, html, json, problem_json };

/// The form that an Accept value (RFC 9110 section 12.5.1) likes best. Between equals: HTML (a
/// browser names it), then JSON, then text; wildcards and nothing at all mean text, which is
/// what people with curl want.
AnswerMedia choose_media(std::string_view accept);

/// What an operator's own page is, by how it starts.
AnswerMedia media_of(std::string_view body);

}  // namespace poise::proxy
