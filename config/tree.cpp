#include "config/tree.hpp"

#include "config/text_check.hpp"
#include "config/units.hpp"

#include <fmt/format.h>

#include <array>
#include <cassert>
#include <sstream>
#include <utility>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

namespace poise::config {

namespace {

// Thrown out of the event handler: the only way to stop yaml-cpp in the middle of a document,
// and with it its recursion. Never leaves this file.
struct Refused {
    Diagnostic diagnostic;
};

class TreeBuilder final : public YAML::EventHandler {
public:
    explicit TreeBuilder(std::string name) : name_(std::move(name)) {}

    Tree root;
    int documents = 0;
    std::optional<std::size_t> last_quote;  // where the last value in quotes begins

    void OnDocumentStart(const YAML::Mark& mark) override {
        if (++documents > 1) {
            refuse(mark, "a second YAML document starts here",
                   "a configuration is one document: remove the '---' line");
        }
    }
    void OnDocumentEnd() override {}

    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        refuse_extras(mark, "", anchor);
        add(node_at(mark, Tree::Kind::null));
    }
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        refuse_extras(mark, "", anchor);
    }
    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& value) override {
        refuse_extras(mark, tag, anchor);
        if (tag == "!") last_quote = static_cast<std::size_t>(mark.pos);
        Tree node = node_at(mark, Tree::Kind::scalar);
        node.text = value;
        add(std::move(node));
    }
    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override {
        open(mark, tag, anchor, Tree::Kind::list);
    }
    void OnSequenceEnd() override { close(); }
    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override {
        open(mark, tag, anchor, Tree::Kind::map);
    }
    void OnMapEnd() override { close(); }

private:
    [[noreturn]] void refuse(const YAML::Mark& mark, std::string message, std::string hint) {
        throw Refused{
            {{name_, mark.line + 1, mark.column + 1}, std::move(message), std::move(hint)}};
    }

    void refuse_extras(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
        if (anchor != 0) {
            refuse(mark, "YAML anchors and aliases ('&name', '*name') are not used here",
                   "write the value out, or put what services share under 'defaults'");
        }
        // yaml-cpp reports "?" for a plain value and "!" for a quoted one.
        if (!tag.empty() && tag != "?" && tag != "!")
            refuse(mark, fmt::format("YAML tags are not used here, found {}", quote(tag)), "");
    }

    static Tree node_at(const YAML::Mark& mark, Tree::Kind kind) {
        Tree node;
        node.kind = kind;
        node.line = mark.line + 1;
        node.column = mark.column + 1;
        return node;
    }

    bool expects_key() const {
        return !open_.empty() && open_.back().kind == Tree::Kind::map &&
               open_.back().keys.size() == open_.back().items.size();
    }

    void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
              Tree::Kind kind) {
        refuse_extras(mark, tag, anchor);
        if (expects_key()) {
            refuse(mark, "a key must be a plain word",
                   "put quotes around a value that starts with '[' or '{'");
        }
        if (open_.size() >= depth_max)
            refuse(mark, fmt::format("nested deeper than {} levels", depth_max), "");
        open_.push_back(node_at(mark, kind));
    }

    void close() {
        Tree node = std::move(open_.back());
        open_.pop_back();
        add(std::move(node));
    }

    void add(Tree node) {
        if (open_.empty()) {
            root = std::move(node);
        } else if (expects_key()) {
            open_.back().keys.push_back(std::move(node));
        } else {
            open_.back().items.push_back(std::move(node));
        }
    }

    std::string name_;
    std::vector<Tree> open_;  // from the root to the innermost list or map
};

// What the operator probably did, told from the line where YAML gave up.
std::string syntax_hint(std::string_view line, std::size_t column) {
    const auto indent = line.find_first_not_of(" \t");
    if (line.substr(0, indent).contains('\t')) return "indent with spaces: YAML takes no tabs";
    const char at = column < line.size() ? line[column] : ' ';
    if (at == '*') return "put quotes around a value that starts with '*': \"*.example.com\"";
    if (at == '&' || at == '%' || at == '@' || at == '`')
        return fmt::format("put quotes around a value that starts with '{}'", at);
    if (at == '?') return "put quotes around a value with a '?'";
    if (line.contains("]:")) return "put quotes around an IPv6 address: \"[2001:db8::1]:80\"";
    if (line.contains('\t')) return "use spaces: YAML takes no tabs";
    return {};
}

struct Saying {
    std::string_view yaml;  // how yaml-cpp's message begins
    std::string_view ours;
    std::string_view hint;
};

// yaml-cpp speaks of its grammar; the operator looks at his file.
constexpr std::array<Saying, 9> sayings{{
    {"end of map not found", "this line does not continue the mapping above it",
     "check its indentation, and that a ':' and a space follow the key"},
    {"end of map flow not found", "inside '{ }' a ',' or the closing '}' was expected", ""},
    {"end of sequence not found", "this line does not continue the list above it",
     "check its indentation, and that it begins with '- '"},
    {"end of sequence flow not found", "inside '[ ]' a ',' or the closing ']' was expected", ""},
    {"illegal map value", "a ':' stands where no key can be",
     "check the indentation, and put quotes around a value that contains ': '"},
    {"illegal block entry", "a '-' stands where no list item can be", "check the indentation"},
    {"illegal EOF in scalar", "a quote is not closed before the end of the file", ""},
    {"unknown token", "a value cannot begin with this character", ""},
    {"the referenced anchor is not defined", "a value that begins with '*' is an alias in YAML",
     ""},
}};

Diagnostic syntax_error(const YAML::ParserException& error, std::string_view text,
                        const std::string& name) {
    const bool placed = !error.mark.is_null();
    const int line = placed ? error.mark.line + 1 : 1;
    const int column = placed ? error.mark.column + 1 : 1;
    std::string hint = syntax_hint(line_of(text, line), static_cast<std::size_t>(column - 1));
    std::string_view what = error.msg;
    what = what.substr(0, what.find(':'));
    for (const Saying& saying : sayings) {
        if (!what.starts_with(saying.yaml)) continue;
        what = saying.ours;
        if (hint.empty()) hint = saying.hint;
    }
    return {{name, line, column}, fmt::format("YAML: {}", what), std::move(hint)};
}

// Does the quote at `start` close? yaml-cpp takes the end of the file for one after a line
// break, and half a file must not pass for a whole one.
bool closes(std::string_view text, std::size_t start) {
    assert(start < text.size());
    const char mark = text[start];
    if (mark != '"' && mark != '\'') return true;
    for (std::size_t i = start + 1; i < text.size(); ++i) {
        if (mark == '"' && text[i] == '\\') {
            ++i;
        } else if (text[i] == mark) {
            const bool doubled = mark == '\'' && i + 1 < text.size() && text[i + 1] == mark;
            if (!doubled) return true;
            ++i;
        }
    }
    return false;
}

}  // namespace

std::optional<Tree> parse_tree(std::string_view text, const std::string& name, Report& report) {
    if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
    if (auto binary = find_binary(text, name)) {
        report.add(std::move(*binary));
        return std::nullopt;
    }
    TreeBuilder builder(name);
    try {
        std::istringstream stream{std::string(text)};
        YAML::Parser parser(stream);
        while (parser.HandleNextDocument(builder)) {
        }
    } catch (Refused& refused) {
        report.add(std::move(refused.diagnostic));
        return std::nullopt;
    } catch (const YAML::ParserException& error) {
        report.add(syntax_error(error, text, name));
        return std::nullopt;
    }
    if (builder.last_quote && !closes(text, *builder.last_quote)) {
        report.add({position_of(text, *builder.last_quote, name),
                    "YAML: this quote is not closed before the end of the file", ""});
        return std::nullopt;
    }
    return std::move(builder.root);
}

}  // namespace poise::config
