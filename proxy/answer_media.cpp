#include "proxy/answer_media.hpp"

#include "proxy/head.hpp"

namespace poise::proxy {

namespace {

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
        text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
        text.remove_suffix(1);
    return text;
}

// "0", "0.5", "1.000" as thousandths; 0 for anything else, as if it was not acceptable.
int quality_of(std::string_view text) {
    if (text.empty() || (text[0] != '0' && text[0] != '1')) return 0;
    int quality = (text[0] - '0') * 1'000;
    if (text.size() == 1) return quality;
    if (text[1] != '.' || text.size() > 5) return 0;
    int place = 100;
    for (const char c : text.substr(2)) {
        if (c < '0' || c > '9') return 0;
        quality += (c - '0') * place;
        place /= 10;
    }
    return quality > 1'000 ? 0 : quality;
}

struct Range {
    std::string_view type;
    int quality = 1'000;
};

Range read_range(std::string_view element) {
    Range range;
    auto semicolon = element.find(';');
    range.type = trimmed(element.substr(0, semicolon));
    while (semicolon != element.npos) {
        element.remove_prefix(semicolon + 1);
        semicolon = element.find(';');
        const std::string_view parameter = trimmed(element.substr(0, semicolon));
        if (parameter.starts_with("q=") || parameter.starts_with("Q="))
            range.quality = quality_of(parameter.substr(2));
    }
    return range;
}

int rank(AnswerMedia media) {
    switch (media) {
        case AnswerMedia::html:
            return 3;
        case AnswerMedia::problem_json:
            return 2;
        case AnswerMedia::json:
            return 1;
        case AnswerMedia::text:
            break;
    }
    return 0;
}

}  // namespace

AnswerMedia choose_media(std::string_view accept) {
    AnswerMedia best = AnswerMedia::text;
    int best_quality = 0;
    const auto consider = [&](AnswerMedia media, int quality) {
        const bool better =
            quality > best_quality || (quality == best_quality && rank(media) > rank(best));
        if (quality == 0 || !better) return;
        best = media;
        best_quality = quality;
    };
    each_element(accept, [&](std::string_view element) {
        const Range range = read_range(element);
        if (same_word(range.type, "text/html") || same_word(range.type, "application/xhtml+xml"))
            consider(AnswerMedia::html, range.quality);
        if (same_word(range.type, "application/problem+json"))
            consider(AnswerMedia::problem_json, range.quality);
        if (same_word(range.type, "application/json")) consider(AnswerMedia::json, range.quality);
        if (same_word(range.type, "text/plain")) consider(AnswerMedia::text, range.quality);
    });
    return best;
}

AnswerMedia media_of(std::string_view body) {
    const auto start = body.find_first_not_of(" \t\r\n");
    if (start == body.npos) return AnswerMedia::text;
    if (body[start] == '<') return AnswerMedia::html;
    if (body[start] == '{' || body[start] == '[') return AnswerMedia::json;
    return AnswerMedia::text;
}

}  // namespace poise::proxy
