#include "admin/config_store.hpp"

#include "tests/unit/admin/fake_program.hpp"

using namespace poise::admin;
using namespace poise::admin::test;

namespace {

struct Stored {
    Folder folder;
    FakeProgram program;
    ConfigStore store{folder.write("poise.yaml", "# mine\nservices: {}\n"), folder.path.string(),
                      program};

    auto apply(const std::string& text, const std::string& version) {
        return store.apply(
            {.text = text, .expected_version = version, .who = "alice", .comment = "why", .at = 9});
    }
};

}  // namespace

TEST_SUITE("admin/config_store") {
    TEST_CASE("a change is written byte for byte, loaded, and remembered with what it replaced") {
        Stored here;
        const std::string text = "# a comment\nservices:   {}  # stays\n";

        const auto applied = here.apply(text, here.store.read()->version);

        REQUIRE(applied);
        CHECK(here.folder.read("poise.yaml") == text);
        CHECK(here.program.reloads == 1);
        const auto history = here.store.history().revisions();
        REQUIRE(history.size() == 2);
        CHECK(history[0].who == "alice");
        CHECK(history[0].version == applied->version);
        CHECK(here.store.history().text_of(history[1].number) == "# mine\nservices: {}\n");
    }

    TEST_CASE("of two changes from one version the second is a conflict") {
        Stored here;
        const std::string version = here.store.read()->version;
        REQUIRE(here.apply("services: {}\n", version));
        const auto second = here.apply("services: {} # other\n", version);
        REQUIRE_FALSE(second);
        CHECK(second.error().kind == ConfigStore::Failure::Kind::conflict);
        CHECK(here.folder.read("poise.yaml") == "services: {}\n");
    }

    TEST_CASE("when it passes the check but cannot be loaded the file is what it was") {
        Stored here;
        here.program.reload_error = "cannot listen";
        const auto refused = here.apply("services: {}\n", here.store.read()->version);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().detail == "cannot listen");
        CHECK(here.folder.read("poise.yaml") == "# mine\nservices: {}\n");
    }

    TEST_CASE("the history is bounded") {
        Stored here;
        for (std::size_t i = 0; i < ConfigHistory::revisions_max + 5; ++i)
            REQUIRE(here.apply("# " + std::to_string(i) + "\n", here.store.read()->version));
        CHECK(here.store.history().revisions().size() == ConfigHistory::revisions_max);
    }
}
