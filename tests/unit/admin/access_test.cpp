#include "admin/access.hpp"

#include "admin/secrets.hpp"
#include "tests/unit/admin/fake_program.hpp"

using namespace poise;
using namespace poise::admin;
using namespace poise::admin::test;
using std::chrono::hours;
using std::chrono::seconds;

namespace {

const Address client = *parse_address("10.0.0.7:1234");
const Access::Time start{seconds{1'800'000'000}};

std::expected<Principal, Access::Refused> try_in(Access& access, const char* password,
                                                 Access::Time now, const Address& from = client) {
    return access.sign_in("alice", password, from, now);
}

}  // namespace

TEST_SUITE("admin/access") {
    TEST_CASE("wrong passwords make the next try wait, longer each time") {
        const Folder folder;
        Access access{UserFile(folder.file("users.yaml"))};
        REQUIRE(access.change([](Users& users) {
            return add_user(users, "alice", Role::administrator, "correct horse", 1);
        }));
        Access::Time now = start;
        for (int i = 0; i < 4; ++i, now += seconds(1))
            CHECK(try_in(access, "wrong", now).error().wait == seconds(0));

        CHECK(try_in(access, "correct horse", now - seconds(1)).error().wait == seconds(1));
        CHECK(try_in(access, "wrong", now).error().wait == seconds(0));
        CHECK(try_in(access, "correct horse", now).error().wait == seconds(2));
        // Somebody elsewhere is not locked out by it.
        CHECK(try_in(access, "correct horse", now, *parse_address("10.0.0.8:1")));
        CHECK(try_in(access, "correct horse", now + seconds(2)));
        CHECK(try_in(access, "correct horse", now + seconds(2)));
    }

    TEST_CASE("a session ends by rest, by age, by a new password and with its user") {
        const Folder folder;
        Access access{UserFile(folder.file("users.yaml"))};
        REQUIRE(access.change([](Users& users) -> std::expected<void, std::string> {
            auto added = add_user(users, "alice", Role::administrator, "correct horse", 1);
            return added ? add_user(users, "bob", Role::viewer, "correct horse", 1) : added;
        }));
        const auto known = [&](const Principal& who, Access::Time now) {
            return access.still_valid(who, now);
        };
        const Principal alice = *try_in(access, "correct horse", start);
        CHECK(known(alice, start + hours(2)));
        CHECK_FALSE(known(alice, start + hours(2) + seconds(1)));
        const Principal again = *try_in(access, "correct horse", start);
        REQUIRE(access.change(
            [](Users& users) { return set_password(users, "alice", "another horse"); }));
        CHECK_FALSE(known(again, start));

        const Principal bob = *access.sign_in("bob", "correct horse", client, start + seconds(5));
        CHECK(known(bob, start));
        REQUIRE(access.change([](Users& users) { return remove_user(users, "bob"); }));
        CHECK_FALSE(known(bob, start));
    }

    TEST_CASE("the one-time link works once, and not when there is a user") {
        const Folder folder;
        Access access{UserFile(folder.file("users.yaml"))};
        const std::string link = access.make_link();
        CHECK_FALSE(access.use_link("", start));
        CHECK_FALSE(access.use_link("guessed", start));
        const auto first = access.use_link(link, start);
        REQUIRE(first);
        CHECK(first->role == Role::administrator);
        CHECK_FALSE(access.use_link(link, start));

        const std::string second = access.make_link();
        REQUIRE(access.change([](Users& users) {
            return add_user(users, "alice", Role::administrator, "correct horse", 1);
        }));
        CHECK_FALSE(access.use_link(second, start));
        CHECK_FALSE(access.still_valid(*first, start));
    }

    TEST_CASE("a file that cannot be read lets nobody new in and keeps who is known") {
        const Folder folder;
        Access access{UserFile(folder.file("users.yaml"))};
        const std::string link = access.make_link();
        folder.write("users.yaml", "users: [{name: 5]");
        CHECK(access.refresh());
        CHECK(access.has_users());
        CHECK_FALSE(access.use_link(link, start));
    }
}
