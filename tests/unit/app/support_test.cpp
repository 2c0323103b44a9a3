// The bundle of `poise support`: whole, and without what is nobody's business.
#include "app/support_facts.hpp"
#include "app/tar_file.hpp"
#include "tests/unit/app/running.hpp"
#include "tests/unit/app/saying.hpp"

#include <cstdio>
#include <fstream>

using namespace poise::app;
using namespace poise::app::test;

namespace {

// What a program prints.
std::string output_of(const std::string& command) {
    std::string out;
    std::FILE* const pipe = ::popen(command.c_str(), "r");
    REQUIRE(pipe != nullptr);
    for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe))
        out += static_cast<char>(c);
    CHECK(::pclose(pipe) == 0);
    return out;
}

void write(const std::filesystem::path& path, const std::string& text) {
    std::ofstream(path, std::ios::binary) << text;
}

}  // namespace

TEST_SUITE("app/support") {
    TEST_CASE("the archive is one that tar reads, whatever the sizes") {
        const Folder folder;
        std::vector<TarEntry> entries;
        for (const std::size_t size : {0, 1, 511, 512, 513, 100'000})
            entries.push_back({"d/f" + std::to_string(size), std::string(size, 'x')});
        write(folder.path / "t.tar.gz", make_tar_gz(entries, 1'700'000'000));

        const std::string archive = (folder.path / "t.tar.gz").string();
        const std::string listed = output_of("tar tzf " + archive);
        CHECK(listed == "d/f0\nd/f1\nd/f511\nd/f512\nd/f513\nd/f100000\n");
        CHECK(output_of("tar xzOf " + archive + " d/f513") == entries[4].text);
        CHECK(output_of("tar xzOf " + archive + " d/f100000") == entries[5].text);
    }

    TEST_CASE("the bundle says what is in it and holds no secret") {
        const Folder folder;
        const auto at = [&](const char* name) { return (folder.path / name).string(); };
        write(folder.path / "token", "a-secret-token\n");
        write(folder.path / "poise.yaml",
              "# a-secret-comment\nservices:\n  web:\n    listen: \":8080\"\n"
              "    health: {check: http, path: \"/up?key=a-secret-query\"}\n"
              "    rules: [{match: {header: {X-Key: a-secret-header}}, use: web2}]\n"
              "    servers: [\"10.0.0.1:80\"]\n  web2: {servers: [\"10.0.0.2:80\"]}\n");
        write(folder.path / "node.yaml",
              "node: {name: lb7}\nadmin: {state_dir: " + at("state") +
                  "}\nlog: {file: " + at("poise.log") +
                  "}\nalerts: {webhook: {url: \"https://x/a-secret-url\", "
                  "token_file: " +
                  at("token") + "}}\n");
        write(folder.path / "poise.log",
              "a line\n-----BEGIN EC PRIVATE KEY-----\na-secret-key\n-----END EC PRIVATE "
              "KEY-----\nthe last line\n");

        const Said said_it =
            said({"support", "--config", at("poise.yaml"), "--node", at("node.yaml"), "--control",
                  at("none.sock"), "--out", at("b.tar.gz")});
        CHECK(said_it.code == 0);
        CHECK(holds(said_it.out, "Not in it: private keys"));
        const std::string all = output_of("tar xzOf " + at("b.tar.gz"));
        CHECK_FALSE(holds(all, "a-secret"));
        for (const char* part : {"the last line", "lb7", "10.0.0.1:80", "OpenSSL", "MemTotal",
                                 "no answer: ", "/up?removed"}) {
            CAPTURE(part);
            CHECK(holds(all, part));
        }
        const std::string names = output_of("tar tzf " + at("b.tar.gz"));
        for (const char* name : {"CONTENTS", "status.json", "why.json", "poise.yaml", "node.yaml",
                                 "poise.log", "events.log", "versions.txt", "kernel.txt"}) {
            CAPTURE(name);
            CHECK(holds(names, std::string("poise-support/") + name + "\n"));
            CHECK((std::string(name) == "CONTENTS" || holds(said_it.out, name)));
        }
    }

    TEST_CASE("a file with errors gives the errors and not its text") {
        const Folder folder;
        write(folder.path / "poise.yaml", "services: {web: {secret: hunter2}}\n");

        const std::string text = config_without_secrets((folder.path / "poise.yaml").string());
        CHECK(holds(text, "unknown service key 'secret'"));
        CHECK_FALSE(holds(text, "hunter2"));
    }

    TEST_CASE("private keys go, certificates stay, also when the end is cut off") {
        CHECK(without_private_keys("a\n-----BEGIN CERTIFICATE-----\nb\n") ==
              "a\n-----BEGIN CERTIFICATE-----\nb\n");
        CHECK(without_private_keys("a -----BEGIN PRIVATE KEY-----\nb") == "a (removed)");
        CHECK(without_private_keys("-----BEGIN RSA PRIVATE KEY-----\nb\n-----END RSA PRIVATE "
                                   "KEY-----\nc -----BEGIN PRIVATE KEY-----") ==
              "(removed)\nc (removed)");
    }

    TEST_CASE("of a long log the end is taken") {
        const Folder folder;
        write(folder.path / "log", std::string(500'000, 'a') + "the end");

        CHECK(end_of((folder.path / "log").string(), 10) == "aaathe end");
        CHECK(holds(end_of((folder.path / "none").string(), 10), "cannot be read"));
    }
}
