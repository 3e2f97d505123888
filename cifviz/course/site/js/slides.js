// Shows the slides of a lesson: reveal.js with its view for the speaker.

import Reveal from "reveal.js";
import Notes from "reveal.js/plugin/notes";

new Reveal({
  plugins: [Notes],
  width: 1280,
  height: 720,
  margin: 0.04,
  center: false,
  hash: true,
  slideNumber: "c/t",
  transition: "none",
  pdfSeparateFragments: false,
}).initialize();
