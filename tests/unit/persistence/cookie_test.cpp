#include "persistence/cookie.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

using namespace poise::persistence;

namespace {

// A folder of the test's own, gone with it.
struct TemporaryFolder {
    std::filesystem::path path;
    TemporaryFolder() {
        auto name = (std::filesystem::temp_directory_path() / "poise-cookie-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path = name;
    }
    ~TemporaryFolder() { std::filesystem::remove_all(path); }
    std::string file(std::string_view name) const { return (path / name).string(); }
};

void write_file(const std::string& path, std::string_view text) {
    std::ofstream(path) << text;
    std::filesystem::permissions(path, std::filesystem::perms::owner_read);
}

constexpr CookieKey key{1, 2, 3};
const std::vector<std::string> servers{"web1", "web2", "web3"};

}  // namespace

TEST_SUITE("persistence/cookie") {
    TEST_CASE("each server's value is found again, and leads to it") {
        const CookieJar jar("web", key, servers);
        std::set<std::string_view> values;
        for (std::size_t i = 0; i < servers.size(); ++i) {
            CHECK(jar.find(jar.value_for(i)) == i);
            CHECK(jar.value_for(i).size() == 22);
            values.insert(jar.value_for(i));
        }
        CHECK(values.size() == 3);
    }

    TEST_CASE("a value stays what it was: both nodes and all versions must agree") {
        const CookieJar jar("web", key, servers);
        CHECK(jar.value_for(0) == "nbm6MEYQRTgF3wujezZU0w");
    }

    TEST_CASE("a value depends on the key, the service and the server's name, not on the order") {
        const CookieJar jar("web", key, servers);
        const std::vector<std::string> reversed{"web3", "web2", "web1"};
        CHECK(CookieJar("web", key, reversed).value_for(2) == jar.value_for(0));
        CHECK(CookieJar("web", CookieKey{9}, servers).value_for(0) != jar.value_for(0));
        CHECK(CookieJar("api", key, servers).value_for(0) != jar.value_for(0));
        const std::vector<std::string> a{"b|1|c"}, b{"c"};
        CHECK(CookieJar("a", key, a).value_for(0) != CookieJar("a|5|b", key, b).value_for(0));
    }

    TEST_CASE("what is none of our values leads nowhere") {
        const CookieJar jar("web", key, servers);
        std::string changed{jar.value_for(1)};
        changed.back() = changed.back() == 'A' ? 'B' : 'A';
        for (const std::string& value :
             {std::string{}, std::string{"web1"}, changed, std::string(22, 'A'),
              std::string(100'000, 'x'), std::string{jar.value_for(0)} + "A"})
            CHECK(jar.find(value) == std::nullopt);
    }

    TEST_CASE("a jar without servers knows no value") {
        const CookieJar jar("web", key, {});
        CHECK(jar.find(std::string(22, 'A')) == std::nullopt);
        CHECK(jar.size() == 0);
    }

    TEST_CASE("a jar of many servers finds each") {
        std::vector<std::string> many;
        for (int i = 0; i < 1'000; ++i)
            many.push_back("server" + std::to_string(i));
        const CookieJar jar("web", key, many);
        for (std::size_t i = 0; i < many.size(); ++i)
            CHECK(jar.find(jar.value_for(i)) == i);
    }

    TEST_CASE("the Set-Cookie field is as it was promised, Secure on TLS only") {
        const CookieJar jar("web", key, servers, "LB");
        const std::string start = "Set-Cookie: LB=" + std::string{jar.value_for(0)};
        CHECK(jar.set_cookie_header(0, false) == start + "; Path=/; HttpOnly; SameSite=Lax\r\n");
        CHECK(jar.set_cookie_header(0, true) ==
              start + "; Path=/; HttpOnly; SameSite=Lax; Secure\r\n");
    }

    TEST_CASE("a cookie that scripts are to read is not HttpOnly") {
        const std::vector<std::string> servers{"a"};
        const CookieJar jar("web", CookieKey{1}, servers, "MS-WSMAN", false);
        const std::string head = "Set-Cookie: MS-WSMAN=" + std::string(jar.value_for(0));
        CHECK(jar.set_cookie_header(0, false) == head + "; Path=/; SameSite=Lax\r\n");
        CHECK(jar.set_cookie_header(0, true) == head + "; Path=/; SameSite=Lax; Secure\r\n");
    }

    TEST_CASE("the server is found in a Cookie field among others, stale and quoted ones") {
        const CookieJar jar("web", key, servers);
        const std::string ours{jar.value_for(1)};
        CHECK(jar.find_in_header("POISE=" + ours) == 1);
        CHECK(jar.find_in_header("a=1; POISE=" + ours + "; b=2") == 1);
        CHECK(jar.find_in_header("POISE=stale; POISE=" + ours) == 1);
        CHECK(jar.find_in_header("POISE=\"" + ours + "\"") == 1);
        CHECK(jar.find_in_header("XPOISE=" + ours) == std::nullopt);
        CHECK(jar.find_in_header("poise=" + ours) == std::nullopt);
        CHECK(jar.find_in_header("a=POISE=" + ours) == std::nullopt);
        CHECK(jar.find_in_header("") == std::nullopt);
    }

    TEST_CASE("find_cookie gives the first value of exactly that name") {
        struct Row {
            std::string_view header;
            std::optional<std::string_view> value;
        };
        const Row rows[] = {
            {"POISE=x", "x"},
            {"a=1; POISE=x", "x"},
            {"a=1;POISE=x;b=2", "x"},
            {"a=1;  \tPOISE = x ;b=2", "x"},
            {"POISE=x=y==", "x=y=="},
            {"POISE=", ""},
            {"POISE=x; POISE=y", "x"},
            {"POISE=\"x\"; b=1", "\"x\""},
            {"POISE=\"x;y", "\"x"},
            {"a=\"POISE=1;\"; POISE=x", "x"},
            {"a=\"b; POISE=x; c\"", "x"},
            {"a=\"\\\";\"; POISE=x", "x"},
            {"a=\"b\"c; POISE=x", "x"},
            {"", std::nullopt},
            {";;;", std::nullopt},
            {"POISE", std::nullopt},
            {"POISEX=1; XPOISE=1; poise=1", std::nullopt},
            {"a=POISE=x", std::nullopt},
        };
        for (const Row& row : rows) {
            CAPTURE(row.header);
            CHECK(find_cookie(row.header, "POISE") == row.value);
        }
    }

    TEST_CASE("our cookie is cut out, and the bytes of the others stay") {
        const std::array<std::string, 1> ours{"POISE"};
        struct Row {
            std::string_view header, rest;
        };
        const Row rows[] = {
            {"POISE=x", ""},
            {"POISE=x;", ""},
            {" POISE=x ; ", ""},
            {"POISE=x; POISE=y", ""},
            {"POISE=x; ;; ", ""},
            {"POISE=x; b=2", "b=2"},
            {"POISE=x;b=2", "b=2"},
            {"a=1; POISE=x", "a=1"},
            {"a=1; POISE=x; b=2", "a=1; b=2"},
            {"a=1;POISE=x;b=2", "a=1;b=2"},
            {"a=1; POISE=x;", "a=1"},
            {"a=1; ", "a=1; "},
            {"a=1;", "a=1;"},
            {"POISE=x; a=1; POISE=y; b=2; POISE=z", "a=1; b=2"},
            {"a=\"x;y\" ; POISE=1; b", "a=\"x;y\" ; b"},
            {"a=\"; POISE=x; \"", "a=\"; \""},
            {"a=\"; POISE=\"; b=\"; c", "a=\"; b=\"; c"},
            {"a=\"; POISE=x; b=2", "a=\"; b=2"},
            {"  a=1 ;; b", "  a=1 ;; b"},
            {"a=1, POISE=x", "a=1, POISE=x"},
            {"", ""},
        };
        for (const Row& row : rows) {
            CAPTURE(row.header);
            CHECK(remove_cookie(row.header, "POISE") == row.rest);
            CHECK(find_cookie(row.rest, "POISE") == std::nullopt);

            std::string out = "Cookie: ";
            CHECK(append_without_cookies(out, row.header, ours) == !row.rest.empty());
            CHECK(out == "Cookie: " + std::string{row.rest});
        }
    }

    TEST_CASE("a field made to be slow is not") {
        // Quadratic work on these 4 MB would take minutes.
        for (const std::string_view part : {";", "a=\";", "a=\"\\\";", "=\"", "POISE=x;"}) {
            std::string header;
            while (header.size() < 4'000'000)
                header += part;
            CHECK(remove_cookie(header, "POISE").size() <= header.size());
        }
    }
}

TEST_SUITE("persistence/cookie_key") {
    TEST_CASE("the first call makes the file, readable by its owner only; later ones read it") {
        const TemporaryFolder folder;
        const std::string path = folder.file("cookie.key");

        const auto first = load_or_create_key(path);
        const auto second = load_or_create_key(path);

        REQUIRE(first.has_value());
        CHECK(second == first);
        CHECK(*first != CookieKey{});
        using std::filesystem::perms;
        CHECK(std::filesystem::status(path).permissions() ==
              (perms::owner_read | perms::owner_write));
        CHECK(std::filesystem::file_size(path) == 65);
        CHECK(std::distance(std::filesystem::directory_iterator(folder.path), {}) == 1);
    }

    TEST_CASE("who starts together ends with one key") {
        const TemporaryFolder folder;
        const std::string path = folder.file("cookie.key");
        std::vector<std::optional<CookieKey>> keys(8);
        std::vector<std::thread> threads;
        for (auto& one : keys)
            threads.emplace_back([&one, &path] { one = load_or_create_key(path).value(); });
        for (auto& thread : threads)
            thread.join();
        for (const auto& one : keys)
            CHECK(one == keys.front());
    }

    TEST_CASE("a file that holds no key is an error that names it, and stays as it is") {
        const TemporaryFolder folder;
        const std::string good(64, 'a');
        int n = 0;
        for (const std::string& text : {std::string{}, std::string{"secret"}, good.substr(1),
                                        good + "a", std::string(63, 'a') + "g", good + good}) {
            const std::string path = folder.file("key" + std::to_string(++n));
            write_file(path, text);

            const auto loaded = load_or_create_key(path);

            REQUIRE_FALSE(loaded.has_value());
            CHECK(loaded.error().find(path) != std::string::npos);
            CHECK(std::filesystem::file_size(path) == text.size());
        }
    }

    TEST_CASE("upper-case digits and a missing line feed are fine") {
        const TemporaryFolder folder;
        write_file(folder.file("key"), "0A" + std::string(62, 'F'));
        const auto loaded = load_or_create_key(folder.file("key"));
        REQUIRE(loaded.has_value());
        CHECK((*loaded)[0] == 10);
        CHECK((*loaded)[31] == 255);
    }

    TEST_CASE("a key that everybody may read is refused") {
        const TemporaryFolder folder;
        write_file(folder.file("key"), std::string(64, 'a'));
        std::filesystem::permissions(folder.file("key"), std::filesystem::perms::others_read,
                                     std::filesystem::perm_options::add);
        const auto loaded = load_or_create_key(folder.file("key"));
        REQUIRE_FALSE(loaded.has_value());
        CHECK(loaded.error().find("chmod 600") != std::string::npos);
    }

    TEST_CASE("a folder that is not there is an error") {
        CHECK_FALSE(load_or_create_key("/nonexistent/poise/cookie.key").has_value());
    }

    TEST_CASE("random keys differ") {
        CHECK(random_cookie_key() != random_cookie_key());
    }

    TEST_CASE("several cookies are taken out of a field at once") {
        const std::array<std::string, 2> ours{"POISE", "POISE-api"};
        std::string out;
        CHECK(append_without_cookies(out, "POISE=a; x=1; POISE-api=b; POISE-apis=c", ours));
        CHECK(out == "x=1; POISE-apis=c");
        out.clear();
        CHECK_FALSE(append_without_cookies(out, "POISE-api=b; POISE=a", ours));
        CHECK(out.empty());
    }
}
