"""The nouns of a drill, as frozen dataclasses and enums; this room imports nothing of ours.

Times are Unix seconds (float), durations are seconds (float), unless a name says otherwise.
Read in this order: ``plan`` (what was asked), ``sample`` (what was measured), ``record`` (what was decided).
"""
