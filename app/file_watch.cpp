#include "app/file_watch.hpp"

#include <cstddef>
#include <sys/stat.h>
#include <utility>

namespace poise::app {

namespace {

std::int64_t nanoseconds(const timespec& time) {
    constexpr std::int64_t per_second = 1'000'000'000;
    return time.tv_sec * per_second + time.tv_nsec;
}

FileMark mark_of(const std::string& path) {
    FileMark mark{path};
    struct stat facts{};
    if (::stat(path.c_str(), &facts) != 0) return mark;
    mark.device = facts.st_dev;
    mark.inode = facts.st_ino;
    mark.bytes = facts.st_size;
    mark.modified_ns = nanoseconds(facts.st_mtim);
    mark.changed_ns = nanoseconds(facts.st_ctim);
    return mark;
}

}  // namespace

std::vector<FileMark> marks_of(const std::vector<std::string>& paths) {
    std::vector<FileMark> marks;
    for (const std::string& path : paths)
        marks.push_back(mark_of(path));
    return marks;
}

void FileWatch::begin(std::vector<FileMark> marks) {
    begun_ = std::move(marks);
    told_ = begun_;
    seen_ = begun_;
}

std::vector<std::string> FileWatch::look(Clock::time_point now) {
    const bool may_go_on = seen_ != told_;
    if (!may_go_on && now - looked_ < interval) return {};
    looked_ = now;
    std::vector<FileMark> marks;
    for (const FileMark& each : begun_)
        marks.push_back(mark_of(each.path));
    if (marks != seen_) {
        seen_ = std::move(marks);
        return {};
    }
    if (!may_go_on) return {};
    told_ = seen_;
    std::vector<std::string> changed;
    for (std::size_t i = 0; i < begun_.size(); ++i)
        if (told_[i] != begun_[i]) changed.push_back(begun_[i].path);
    return changed;
}

}  // namespace poise::app
