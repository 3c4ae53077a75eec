"""Related systems in their small faithful form, each an extra: nothing in hicra imports this package.

The tables of engines and tasks name functions of it as text, `module:function`, which is loaded when it is asked for.
"""
