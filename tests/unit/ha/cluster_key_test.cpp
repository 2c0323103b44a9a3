#include "ha/cluster_key.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

using namespace poise::ha;

namespace {

struct Folder {
    std::filesystem::path path;
    Folder() {
        std::string name = std::filesystem::temp_directory_path() / "poise-key-XXXXXX";
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path = name;
    }
    ~Folder() { std::filesystem::remove_all(path); }
};

}  // namespace

TEST_SUITE("ha/cluster_key") {
    TEST_CASE("keys come out of their file as they went in, and others cannot read it") {
        const Folder folder;
        const std::string path = folder.path / "cluster.key";
        const ClusterKeys keys{make_cluster_key(), make_cluster_key()};

        REQUIRE(save_cluster_keys(path, keys));
        struct stat info{};
        REQUIRE(::stat(path.c_str(), &info) == 0);

        CHECK((info.st_mode & 0777) == 0600);
        CHECK(load_cluster_keys(path) == keys);
    }

    TEST_CASE("a file that others can read is refused with the cure") {
        const Folder folder;
        const std::string path = folder.path / "cluster.key";
        REQUIRE(save_cluster_keys(path, {make_cluster_key()}));
        REQUIRE(::chmod(path.c_str(), 0644) == 0);

        const auto loaded = load_cluster_keys(path);

        REQUIRE_FALSE(loaded);
        CHECK(loaded.error().find("chmod 600") != std::string::npos);
    }

    TEST_CASE("errors name the line and hold nothing of the key") {
        const std::string good(64, 'a');

        CHECK(parse_cluster_keys("# old\n\n" + good + "\r\n").value().size() == 1);
        CHECK(parse_cluster_keys("").error().find("no key") != std::string::npos);
        const auto short_line = parse_cluster_keys(good + "\nfeedbeef\n");
        REQUIRE_FALSE(short_line);
        CHECK(short_line.error().find("line 2") != std::string::npos);
        CHECK(short_line.error().find("feedbeef") == std::string::npos);
        CHECK_FALSE(parse_cluster_keys(good + "\n" + good + "\n" + good + "\n"));
        CHECK_FALSE(parse_cluster_keys(std::string(63, 'a') + "g"));
    }

    TEST_CASE("an id tells keys apart") {
        const ClusterKey one = make_cluster_key();
        ClusterKey other = one;
        other[31] ^= 1;

        CHECK(key_id(one) == key_id(one));
        CHECK(key_id(one) != key_id(other));
    }
}
