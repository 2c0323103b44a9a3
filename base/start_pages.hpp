// What a program needs for its start, and then no more.
#pragma once

namespace poise {

/// Unmaps the pages of code and constants, the libraries' too, to be called when the start is over:
/// those still needed come back from the page cache as they are used, the others the kernel may
/// take for something better. Any thread; the others run on. Changes nothing else.
void release_start_pages();

}  // namespace poise
