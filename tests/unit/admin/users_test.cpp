#include "admin/users.hpp"

#include "admin/secrets.hpp"
#include "tests/unit/admin/fake_program.hpp"

using namespace poise::admin;
using namespace poise::admin::test;

TEST_SUITE("admin/users") {
    TEST_CASE("the file reads back as it was written") {
        Users users;
        users.users.push_back({"alice", Role::administrator, "$scrypt$x", 7});
        users.tokens.push_back({"id", "ci", Role::viewer, "abc", 1, 2, "alice"});
        CHECK(users_from_yaml(to_yaml(users)).value() == users);
        CHECK(users_from_yaml(to_yaml({})).value() == Users{});
        CHECK(users_from_yaml("").value() == Users{});
    }

    TEST_CASE("what is no list of users is an error with its line") {
        for (const char* text : {"users: [{name: a}]", "users: [5]", "a: [", "users: {x: {y: z}}",
                                 "users: [{name: a, role: king, password: x}]"})
            CHECK_FALSE(users_from_yaml(text).has_value());
        CHECK(users_from_yaml("users:\n  - {name: a, role: king, password: x}").error() ==
              "line 2: no role is named king");
    }

    TEST_CASE("the first user is an administrator, and the last one stays") {
        Users users;
        CHECK_FALSE(add_user(users, "bob", Role::viewer, "correct horse", 1));
        CHECK_FALSE(add_user(users, "bob", Role::administrator, "short", 1));
        CHECK_FALSE(add_user(users, "bob x", Role::administrator, "correct horse", 1));
        REQUIRE(add_user(users, "bob", Role::administrator, "correct horse", 1));
        CHECK_FALSE(add_user(users, "bob", Role::viewer, "correct horse", 1));
        users.users.push_back({"eve", Role::viewer, "", 1});
        CHECK_FALSE(remove_user(users, "bob"));
        CHECK_FALSE(set_role(users, "bob", Role::viewer));
        REQUIRE(remove_user(users, "eve"));
        CHECK(remove_user(users, "bob"));
    }

    TEST_CASE("a password is known again, another one is not") {
        const std::string hash = hash_password("correct horse");
        CHECK(hash.starts_with("$scrypt$ln=15,r=8,p=1$"));
        CHECK(verify_password("correct horse", hash));
        CHECK_FALSE(verify_password("correct horsf", hash));
        CHECK_FALSE(verify_password("", ""));
        CHECK_FALSE(verify_password("", "$scrypt$ln=15,r=8,p=1$"));
    }

    TEST_CASE("two changes at once both count") {
        const Folder folder;
        const UserFile file(folder.file("users.yaml"));
        const auto add = [&](const char* name) {
            return file.update([&](Users& users) -> std::expected<void, std::string> {
                users.users.push_back({name, Role::administrator, "x", 1});
                return {};
            });
        };
        REQUIRE(add("a"));
        REQUIRE(add("b"));
        CHECK(file.load()->users.size() == 2);
        const auto mode = std::filesystem::status(folder.file("users.yaml")).permissions();
        CHECK((mode & std::filesystem::perms::group_read) == std::filesystem::perms::none);
    }
}
