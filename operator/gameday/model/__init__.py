"""The nouns of a drill, as frozen dataclasses and enums; imports no other package of the project.

Times are Unix seconds (float), durations are seconds (float), unless a name says otherwise.
Read in this order: ``plan`` (what is planned), ``sample`` (what was measured), ``record`` (what was decided).
"""
