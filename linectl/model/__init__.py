"""The words of linectl as frozen data: lines, tags, readings, experiments, runs, prompts."""
