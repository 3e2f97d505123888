"""A lesson with everything a lesson has, small enough to be built in seconds."""

SOURCE = """\
# %% [markdown]
# # Draw a line
#
# **What you'll do:** draw.
#
# **What you'll learn**
#
# - *draw* a line
# - *move* it
# - *count* to three
#
# **What you need:** nothing.
#
# **Time:** 1 minute
#
# Previous: none · Next: [the project](../README.md)

# %%
from cifviz.course import Slider, canvas, check, glossary, live_figure, record, show, table

# %% tags=["parameters"]
seed = 0
fast = True
height = 1.0

# %% [markdown]
# **Predict first:** what comes out?

# %%
print("first", flush=True)
print("second", flush=True)
object()

# %% tags=["exercise"]
answer = ...
check("01.1", answer)
check("01.2", answer)
check("01.3", answer)

# %% tags=["solution"]
answer = 3
check("01.1", answer)
check("01.2", [0, 0, 0.2, 0.7, 0.1])
check("01.3", 2.33)

# %%
figure, (ax,) = canvas()
ax.plot([0, height])
show(figure, "A line that rises from 0 to the height.")
table(["height"], [[height]])


# %%
def draw(ax, *, slope):
    ax.plot([0, slope])


live_figure(
    draw,
    slope=Slider(0, 2, 1, 1),
    static=[{"slope": slope} for slope in range(3)],
    alt="A line for three slopes, flat, rising and steep.",
)

# %%
record(height=height, text="line")

# %% [markdown]
# ## Words

# %%
glossary("weight")

# %% [markdown]
# ## On your own
#
# ## In practice
#
# ## Further reading
#
# - [Elements](https://example.org): says what a line is, and that it has no breadth.

# %% [markdown] tags=["lecturer"]
# ## For the lecturer
#
# ### 90 minutes
#
# | minutes | what |
# |---|---|
# | 60 min | draw; nobody needs more than 10 min for that |
# | 30 min | look at [the project](../README.md) |
#
# ### Likely questions
#
# - *How long is a line?* As long as you like.
#
# ### Usual misconceptions
#
# - A line has a breadth.
"""
