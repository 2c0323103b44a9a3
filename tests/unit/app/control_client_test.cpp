// Asking a Poise that is not there: what the operator is told to check.
#include "tests/unit/app/running.hpp"
#include "tests/unit/app/saying.hpp"

using namespace poise::app;
using namespace poise::app::test;

TEST_SUITE("app/control_client") {
    TEST_CASE("when nobody answers, the message says what to check") {
        const Folder folder;
        const std::string path = (folder.path / "none.sock").string();

        const Said status = said({"status", "--control", path});

        CHECK(status.code == 1);
        CHECK(status.out.empty());
        CHECK(status.err ==
              "poise: no Poise answers at " + path +
                  "; is it running? If its control socket is another one, name it with --control "
                  "PATH; `poise proxy` opens one only when started with --control PATH\n");
        CHECK(holds(said({"proxy", "--help"}).out, "without one `poise status`"));
    }

    TEST_CASE("a path that the kernel does not take is said to be too long") {
        const Said status = said({"status", "--control", std::string(200, 'a')});
        CHECK(status.code == 1);
        CHECK(holds(status.err, "200 bytes; the kernel takes 1 to 107"));
    }

    TEST_CASE("a path that is no socket is no Poise") {
        const Folder folder;
        const Said status = said({"status", "--control", folder.write("file", "text")});
        CHECK(status.code == 1);
        CHECK(holds(status.err, "no Poise answers at "));
    }
}
