#include "ha/settings.hpp"

#include <doctest/doctest.h>

#include <initializer_list>

using namespace poise::ha;

namespace {

Hash hash_of(std::string_view text) {
    return settings_mark({.text = std::string(text), .files = {}}, 0).hash;
}

Standing standing(std::string_view has, std::string_view common) {
    return {.hash = hash_of(has), .common = common.empty() ? Hash{} : hash_of(common)};
}

}  // namespace

TEST_SUITE("ha/settings") {
    TEST_CASE("whose settings count") {
        struct Row {
            const char* what;
            Standing ours, theirs;
            Verdict verdict;
        };
        Standing mixture = standing("half of b", "a");
        mixture.unfinished = true;
        const Row rows[] = {
            {"both have the same", standing("a", ""), standing("a", "z"), Verdict::equal},
            {"they changed theirs", standing("a", "a"), standing("b", "a"), Verdict::take_theirs},
            {"we changed ours", standing("b", "a"), standing("a", "a"), Verdict::give_ours},
            {"both changed", standing("b", "a"), standing("c", "a"), Verdict::diverged},
            {"they never were equal", standing("a", ""), standing("b", ""), Verdict::diverged},
            {"a fresh node that has something else", standing("a", ""), standing("b", "b"),
             Verdict::diverged},
            {"we noted what was common, they did not yet", standing("b", "a"), standing("a", ""),
             Verdict::give_ours},
            {"they noted it, we did not", standing("a", "old"), standing("b", "a"),
             Verdict::take_theirs},
            {"ours was put back to what was common before", standing("old", "a"),
             standing("a", "a"), Verdict::give_ours},
            {"ours is a mixture", mixture, standing("b", "a"), Verdict::take_theirs},
            {"theirs is a mixture", standing("b", "a"), mixture, Verdict::give_ours},
        };
        for (const Row& row : rows) {
            CAPTURE(row.what);
            CHECK(compare(row.ours, row.theirs) == row.verdict);
            const Verdict other = compare(row.theirs, row.ours);
            const bool opposite = row.verdict == Verdict::take_theirs ? other == Verdict::give_ours
                                  : row.verdict == Verdict::give_ours
                                      ? other == Verdict::take_theirs
                                      : other == row.verdict;
            CHECK(opposite);
        }
    }

    TEST_CASE("every byte counts, of the text, the names and the files") {
        const Settings one{.text = "a", .files = {{"x.pem", 0600, "bytes"}}};
        Settings other = one;
        CHECK(settings_mark(one, 1).hash == settings_mark(other, 2).hash);
        other.text = "b";
        CHECK(settings_mark(one, 1).hash != settings_mark(other, 1).hash);
        other = one;
        other.files[0].path = "y.pem";
        CHECK(settings_mark(one, 1).hash != settings_mark(other, 1).hash);
        other = one;
        other.files[0].bytes = "other";
        CHECK(settings_mark(one, 1).hash != settings_mark(other, 1).hash);
        // What moves from one text to the next is another list.
        const Settings ab{.text = "", .files = {{"a", 0644, "b"}}};
        const Settings b{.text = "a", .files = {{"b", 0644, ""}}};
        CHECK(settings_mark(ab, 1).hash != settings_mark(b, 1).hash);
    }

    TEST_CASE("only plain paths below the folder may be written") {
        for (const char* good : {"site.crt", "tls/site.crt", "a/b/c.pem"})
            CHECK(is_inner_path(good));
        for (const char* bad :
             {"", "/etc/passwd", "../x", "a/../../x", "a//b", "a/", ".hidden", "a/.b", "."})
            CHECK_FALSE(is_inner_path(bad));
        CHECK_FALSE(is_inner_path(std::string_view("a\0b", 3)));
        CHECK_FALSE(is_inner_path(std::string(300, 'a')));
    }
}
