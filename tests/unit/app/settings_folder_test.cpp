// Settings on the disk: what is read, taken, put back, and told apart after a crash.
#include "app/settings_folder.hpp"

#include "admin/file.hpp"
#include "app/secrets.hpp"
#include "config/load.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <sys/stat.h>

using namespace poise;
using namespace poise::app;

namespace fs = std::filesystem;

namespace {

struct Folder {
    Folder() {
        std::string name = (fs::temp_directory_path() / "poise-settings-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path = name;
    }
    ~Folder() { fs::remove_all(path); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    std::string file(const std::string& name) const { return path + "/" + name; }
    void write(const std::string& name, const std::string& text) const {
        fs::create_directories(fs::path(file(name)).parent_path());
        std::ofstream(file(name), std::ios::binary) << text;
    }
    std::string read(const std::string& name) const {
        std::ifstream in(file(name), std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }

    std::string path;
};

// The text of a configuration whose one service answers with a file's text.
std::string yaml_with(const std::string& body_file, const std::string& comment = "") {
    return "services: {web: {listen: \":80\", fallback: {status: 200, body_file: " + body_file +
           "}}}\n" + comment;
}

// A node: its folder, what it has read, and a way to read it again.
struct Node {
    explicit Node(const std::string& text, const std::string& body = "hello\n") {
        here.write("poise.yaml", text);
        here.write("pages/a.txt", body);
        folder.emplace(here.file("poise.yaml"), here.path + "/history");
        fs::create_directories(here.path + "/history");
        REQUIRE(load() == "");
    }
    std::string load() {
        const auto config = config::load_config(here.file("poise.yaml"));
        if (!config) return config.error().front().message;
        folder->read(*config);
        return {};
    }
    void start_again() {
        folder.emplace(here.file("poise.yaml"), here.path + "/history");
        REQUIRE(load() == "");
    }
    ha::Hash hash() const { return folder->standing().hash; }

    Folder here;
    std::optional<SettingsFolder> folder;
};

}  // namespace

TEST_SUITE("app/settings_folder") {
    TEST_CASE("what lies in the folder is part of the settings, what lies elsewhere is not") {
        const Folder elsewhere;
        elsewhere.write("b.txt", "mine");
        Node node(
            "services: {web: {listen: \":80\", fallback: {status: 200, body_file: "
            "pages/a.txt}}, other: {listen: \":81\", fallback: {status: 200, body_file: " +
            elsewhere.file("b.txt") + "}}}\n");
        REQUIRE(node.folder->settings().files.size() == 1);
        CHECK(node.folder->settings().files[0].path == "pages/a.txt");
        CHECK(node.folder->settings().files[0].bytes == "hello\n");

        const ha::Hash before = node.hash();
        node.here.write("pages/a.txt", "changed\n");
        REQUIRE(node.load() == "");
        CHECK(node.hash() != before);
    }

    TEST_CASE("the version rises with each change, and outlives the process") {
        Node node(yaml_with("pages/a.txt"));
        const auto first = node.folder->standing().version;
        REQUIRE(node.load() == "");
        CHECK(node.folder->standing().version == first);
        node.here.write("poise.yaml", yaml_with("pages/a.txt", "# more\n"));
        REQUIRE(node.load() == "");
        CHECK(node.folder->standing().version == first + 1);
        node.folder->note_equal(node.hash());
        const ha::Standing standing = node.folder->standing();
        node.start_again();
        CHECK(node.folder->standing() == standing);
    }

    TEST_CASE("the other node's settings are taken whole, with what they name") {
        Node ours(yaml_with("pages/a.txt")), theirs(yaml_with("pages/a.txt"));
        theirs.here.write("new/b.txt", "from there\n");
        theirs.here.write("poise.yaml", yaml_with("new/b.txt"));
        REQUIRE(theirs.load() == "");

        const auto taken = ours.folder->take(theirs.folder->settings(), theirs.folder->standing(),
                                             [&] { return ours.load(); });

        CHECK(taken.has_value());
        CHECK(ours.here.read("poise.yaml") == theirs.here.read("poise.yaml"));
        CHECK(ours.here.read("new/b.txt") == "from there\n");
        CHECK(ours.hash() == theirs.hash());
        CHECK(ours.folder->standing().common == theirs.hash());
        CHECK_FALSE(ours.folder->standing().unfinished);
        const admin::ConfigHistory history(ours.here.path + "/history");
        CHECK(history.revisions().size() == 2);
    }

    TEST_CASE("settings of which one file cannot be written replace nothing") {
        Node ours(yaml_with("pages/a.txt"));
        const auto inode = [&] {
            struct stat facts{};
            REQUIRE(::stat(ours.here.file("pages/a.txt").c_str(), &facts) == 0);
            return facts.st_ino;
        };
        const auto before = inode();
        ha::Settings theirs = ours.folder->settings();
        theirs.files[0].bytes = "overwritten\n";
        theirs.files.push_back({"pages/new.txt", 0644, "new\n"});
        theirs.files.push_back({"poise.yaml/impossible.txt", 0644, "no folder can be here\n"});

        const auto taken = ours.folder->take(theirs, {}, [&] { return ours.load(); });

        REQUIRE_FALSE(taken);
        CHECK(taken.error().why.find("put back") == std::string::npos);
        CHECK(inode() == before);
        CHECK(ours.here.read("pages/a.txt") == "hello\n");
        const auto names = fs::directory_iterator(ours.here.file("pages"));
        CHECK(std::distance(fs::begin(names), fs::end(names)) == 1);
    }

    TEST_CASE("files of settings that do not load here are gone again") {
        Node ours(yaml_with("pages/a.txt"));
        ha::Settings bad = ours.folder->settings();
        bad.text = "nonsense: 1\n";
        bad.files.push_back({"pages/new.txt", 0644, "new\n"});

        CHECK_FALSE(ours.folder->take(bad, {}, [&] { return ours.load(); }));

        CHECK_FALSE(fs::exists(ours.here.file("pages/new.txt")));
        CHECK(ours.here.read("pages/a.txt") == "hello\n");
    }

    TEST_CASE("settings that do not load here leave everything as it was") {
        Node ours(yaml_with("pages/a.txt"));
        const ha::Standing before = ours.folder->standing();
        ha::Settings bad = ours.folder->settings();
        bad.text = "nonsense: 1\n";
        bad.files[0].bytes = "overwritten\n";
        const ha::Standing theirs{.hash = ha::settings_mark(bad, 0).hash,
                                  .common = {},
                                  .version = 9,
                                  .unfinished = false};

        const auto taken = ours.folder->take(bad, theirs, [&] { return ours.load(); });

        REQUIRE_FALSE(taken.has_value());
        CHECK(taken.error().why.contains("nonsense"));
        CHECK(ours.here.read("poise.yaml") == yaml_with("pages/a.txt"));
        CHECK(ours.here.read("pages/a.txt") == "hello\n");
        CHECK(ours.folder->standing() == before);
        ours.start_again();
        CHECK(ours.folder->standing() == before);
    }

    TEST_CASE("while somebody changes poise.yaml nothing is taken, and it may be tried again") {
        Node ours(yaml_with("pages/a.txt"));
        ha::Settings theirs = ours.folder->settings();
        theirs.text += "# theirs\n";
        ha::Standing standing;
        standing.hash = ha::settings_mark(theirs, 0).hash;
        const auto take = [&] {
            return ours.folder->take(theirs, standing, [&] { return ours.load(); });
        };
        {
            const admin::FileLock lock(ours.here.path + "/history/config.lock");
            REQUIRE(lock.held());
            const auto taken = take();
            REQUIRE_FALSE(taken.has_value());
            CHECK(taken.error().again);
            CHECK(ours.here.read("poise.yaml") == yaml_with("pages/a.txt"));
        }
        CHECK(take().has_value());
        CHECK(ours.hash() == standing.hash);
    }

    TEST_CASE("a node that ended while it took them knows that it has a mixture") {
        Node ours(yaml_with("pages/a.txt"));
        ha::Settings theirs = ours.folder->settings();
        theirs.text += "# theirs\n";
        theirs.files[0].bytes = "theirs\n";
        const ha::Hash hash = ha::settings_mark(theirs, 0).hash;
        struct Killed {};
        // The process ends when everything is written but not loaded ...
        CHECK_THROWS_AS((void)ours.folder->take(
                            theirs, {.hash = hash, .common = {}, .version = 2, .unfinished = false},
                            []() -> std::string { throw Killed(); }),
                        Killed);
        ours.start_again();
        CHECK_FALSE(ours.folder->standing().unfinished);
        CHECK(ours.folder->standing().common == hash);
        // ... or when only a part is.
        ours.folder->note_equal(ours.hash());
        theirs.text += "# later\n";
        theirs.files[0].bytes = "later\n";
        const ha::Hash later = ha::settings_mark(theirs, 0).hash;
        CHECK_THROWS_AS(
            (void)ours.folder->take(
                theirs, {.hash = later, .common = {}, .version = 3, .unfinished = false},
                [&]() -> std::string {
                    ours.here.write("poise.yaml", yaml_with("pages/a.txt"));
                    throw Killed();
                }),
            Killed);
        ours.start_again();
        CHECK(ours.folder->standing().unfinished);
        CHECK(ha::compare(ours.folder->standing(),
                          {.hash = later, .common = later, .version = 3, .unfinished = false}) ==
              ha::Verdict::take_theirs);
    }

    TEST_CASE("a file that is being edited is seen") {
        Node node(yaml_with("pages/a.txt"));
        CHECK_FALSE(node.folder->edited());
        node.here.write("poise.yaml", yaml_with("pages/a.txt", "# half a thought"));
        CHECK(node.folder->edited());
    }

    TEST_CASE("a note that makes no sense is no note") {
        Node node(yaml_with("pages/a.txt"));
        for (const char* text : {"", "{", "[]", R"({"hash": 1, "common": "zz", "version": "x"})"}) {
            CAPTURE(text);
            node.here.write("poise.yaml.pair", text);
            node.folder.emplace(node.here.file("poise.yaml"), "");
            CHECK(node.folder->standing().common == ha::Hash{});
        }
    }
}

TEST_SUITE("app/secrets") {
    TEST_CASE("keys come back from their bytes, and nothing else does") {
        Secrets secrets;
        CHECK(secrets_from_bytes(to_bytes(secrets)) == secrets);
        secrets.cookie_key.emplace().fill(7);
        secrets.ticket_keys.resize(3);
        secrets.ticket_keys[1].mac.fill(9);
        auto bytes = to_bytes(secrets);
        CHECK(secrets_from_bytes(bytes) == secrets);
        bytes.push_back(0);
        CHECK_FALSE(secrets_from_bytes(bytes).has_value());
        bytes.resize(bytes.size() - 2);
        CHECK_FALSE(secrets_from_bytes(bytes).has_value());
        CHECK_FALSE(secrets_from_bytes({}).has_value());
        const std::vector<std::uint8_t> many{0, 200};
        CHECK_FALSE(secrets_from_bytes(many).has_value());
    }
}
