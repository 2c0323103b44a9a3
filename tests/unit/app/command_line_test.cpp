// The command line: what each mistake is told, and the exit codes.
#include "tests/unit/app/saying.hpp"

#include <doctest/doctest.h>

using namespace poise::app;
using namespace poise::app::test;

TEST_SUITE("app/command_line") {
    TEST_CASE("without a command the help comes on the standard error, and it is wrong usage") {
        const Said nothing = said({});
        CHECK(nothing.code == 2);
        CHECK(nothing.out.empty());
        CHECK(holds(nothing.err, "poise serve --config poise.yaml"));
    }

    TEST_CASE("help and the version are results") {
        for (const std::vector<std::string>& words :
             {std::vector<std::string>{"--help"}, {"-h"}, {"help"}}) {
            const Said help = said(words);
            CHECK(help.code == 0);
            CHECK(help.err.empty());
            CHECK(holds(help.out, "poise demo"));
        }
        for (const std::vector<std::string>& words :
             {std::vector<std::string>{"--version"}, {"-v"}, {"version"}}) {
            const Said version = said(words);
            CHECK(version.code == 0);
            CHECK(version.out == "poise 0.1.0\n");
        }
    }

    TEST_CASE("each command answers --help with an example, and help COMMAND is the same") {
        for (const std::string command :
             {"serve", "check", "schema", "proxy", "demo", "status", "top", "support", "drain",
              "halt", "online", "weight", "reload", "takeover", "standby", "pair", "why",
              "version"}) {
            CAPTURE(command);
            const Said help = said({command, "--help"});
            CHECK(help.code == 0);
            CHECK(holds(help.out, "Example:\n  poise " + command));
            CHECK(said({"help", command}).out == help.out);
        }
        CHECK(said({"help", "serv"}).code == 2);
    }

    TEST_CASE("a mistake names the command, the word, the nearest one and where help is") {
        struct Row {
            std::vector<std::string> words;
            std::string err;
        };
        for (const Row& row : {
                 Row{{"serv"}, "poise: unknown command 'serv'; did you mean 'serve'?\n"},
                 Row{{"--foo"},
                     "poise: there is no option \"--foo\"; options follow the command\n"
                     "`poise --help` tells what it takes\n"},
                 Row{{"serve", "--confg", "x"},
                     "poise serve: there is no option \"--confg\"; did you mean --config?\n"
                     "`poise serve --help` tells what it takes\n"},
                 Row{{"serve", "--confg=x"},
                     "poise serve: there is no option \"--confg\"; did you mean --config?\n"
                     "`poise serve --help` tells what it takes\n"},
                 Row{{"status", "-x"},
                     "poise status: there is no option \"-x\"\n"
                     "`poise status --help` tells what it takes\n"},
                 Row{{"status", "a", "b"},
                     "poise status: \"b\" is one word too many\n"
                     "`poise status --help` tells what it takes\n"},
                 Row{{"serve", "--config"},
                     "poise serve: --config needs a value\n"
                     "`poise serve --help` tells what it takes\n"},
                 Row{{"serve", "--config", "a", "--config", "b"},
                     "poise serve: --config is given more than once\n"
                     "`poise serve --help` tells what it takes\n"},
                 Row{{"drain"},
                     "poise drain: SERVICE/SERVER is required\n"
                     "`poise drain --help` tells what it takes\n"},
                 Row{{"weight", "web/x", "257"},
                     "poise weight: N must be a whole number from 0 to 256, found '257'\n"
                     "`poise weight --help` tells what it takes\n"},
                 Row{{"weight", "web/x", "abc"},
                     "poise weight: N must be a whole number from 0 to 256, found 'abc'\n"
                     "`poise weight --help` tells what it takes\n"},
                 Row{{"drain", "web1"}, "poise: 'web1' is no SERVICE/SERVER, such as web/web1\n"},
                 Row{{"check"}, "poise: check which FILE? such as: poise check poise.yaml\n"},
                 Row{{"proxy", "--listen", "8080", "--to", "localhost:80"},
                     "poise proxy: --listen must be an address and a port, found '8080'; write "
                     "\":8080\"\n`poise proxy --help` tells what it takes\n"},
                 Row{{"proxy", "--listen", ":8080", "--to", "localhost"},
                     "poise proxy: 'localhost' has no port; such as localhost:80\n"
                     "`poise proxy --help` tells what it takes\n"},
                 Row{{"proxy", "--listen", ":8080"},
                     "poise proxy: --to is required\n"
                     "`poise proxy --help` tells what it takes\n"},
             }) {
            CAPTURE(row.err);
            const Said mistake = said(row.words);
            CHECK(mistake.code == 2);
            CHECK(mistake.out.empty());
            CHECK(mistake.err == row.err);
        }
    }

    TEST_CASE("an order without a Poise that takes it is a failure, not wrong usage") {
        const Said order = said({"takeover", "--control", "/nonexistent/control"});

        CHECK(order.code == 1);
        CHECK(order.err.find("/nonexistent/control") != std::string::npos);
    }
}
