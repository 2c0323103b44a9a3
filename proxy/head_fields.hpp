// Field lines of heads and trailers: split, checked, named.
#pragma once

#include "proxy/head.hpp"

#include <cstddef>
#include <string_view>
#include <vector>

namespace poise::proxy {

/// What reading a line or a section gave: the index behind it, or why it is refused.
struct Reading {
    std::size_t next = 0;
    Refusal refusal;  // Reason::none when the reading went well
};

/// Reads the field line "Name: value" CR LF at `at` into `field`, views into `bytes`. Neither
/// `id` nor `hop_by_hop` is set. Refuses every form that two readers could read in two ways.
Reading read_field(std::string_view bytes, std::size_t at, Field& field);

/// Reads field lines from `at` up to and including the empty line, at most `fields_max` of them.
/// Sets `id` too. Appends to `fields`.
Reading read_fields(std::string_view bytes, std::size_t at, std::size_t fields_max,
                    std::vector<Field>& fields);

/// Why a byte below 0x20 at `at` (or the end of `bytes`) is wrong where it stands: `otherwise`
/// unless it is a bare LF or a bare CR.
Refusal line_break_refusal(std::string_view bytes, std::size_t at, Reason otherwise);

}  // namespace poise::proxy
