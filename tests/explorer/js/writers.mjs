// The explorer's writers, by suffix.

import { audacity, csv, ctm, json, srt, textgrid, webvtt } from "../../../cifviz/explorer/js/downloads.js";

export const writers = {
  ".TextGrid": (tiers, { duration }) => textgrid(tiers, duration),
  ".csv": (tiers) => csv(tiers),
  ".json": (tiers, { duration, details }) => json(tiers, duration, details),
  ".ctm": (tiers, { name }) => ctm(first(tiers), name),
  ".srt": (tiers) => srt(first(tiers)),
  ".vtt": (tiers) => webvtt(first(tiers)),
  ".txt": (tiers) => audacity(first(tiers)),
};

function first(tiers) {
  return tiers.values().next().value;
}
