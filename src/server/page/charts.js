// SPDX-License-Identifier: Apache-2.0
//
// Steps over the last seconds on a canvas: bars as wide as the steps took, and lines.

const kLeft = 52;  // room for the labels, in CSS pixels
const kBottom = 18;
const kTop = 6;

export function colorOf(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

// A round number at or above `value`.
function niceCeil(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map((factor) => factor * power).find((x) => x >= value * (1 - 1e-9));
}

export class Chart {
  constructor(canvas, seconds) {
    this.canvas = canvas;
    this.seconds = seconds;
  }

  // `nowUs` stands at the right edge, 0 to at least `most` from bottom to top.
  begin(nowUs, most, unit) {
    const scale = window.devicePixelRatio || 1;
    const { width, height } = this.canvas.getBoundingClientRect();
    this.canvas.width = Math.round(width * scale);
    this.canvas.height = Math.round(height * scale);
    this.paint = this.canvas.getContext("2d");
    this.paint.scale(scale, scale);
    this.paint.font = "11px system-ui, sans-serif";
    this.nowUs = nowUs;
    this.width = width - kLeft;
    this.height = height - kTop - kBottom;
    this.top = niceCeil(Math.max(most, 1e-6));
    this.drawAxes(unit);
  }

  x(us) {
    return kLeft + this.width * (1 - (this.nowUs - us) / (this.seconds * 1e6));
  }

  y(value) {
    return kTop + this.height * (1 - value / this.top);
  }

  drawAxes(unit) {
    const { paint } = this;
    paint.strokeStyle = colorOf("line");
    paint.fillStyle = colorOf("faint");
    paint.lineWidth = 1;
    paint.textAlign = "right";
    paint.textBaseline = "middle";
    for (const part of [0, 0.5, 1]) {
      const y = Math.round(this.y(part * this.top)) + 0.5;
      paint.beginPath();
      paint.moveTo(kLeft, y);
      paint.lineTo(kLeft + this.width, y);
      paint.stroke();
      const value = part * this.top;
      paint.fillText(`${+value.toPrecision(3)}${part === 1 ? unit : ""}`, kLeft - 5, y);
    }
    paint.textBaseline = "alphabetic";
    paint.textAlign = "left";
    paint.fillText(`${this.seconds} s ago`, kLeft, kTop + this.height + 14);
    paint.textAlign = "right";
    paint.fillText("now", kLeft + this.width, kTop + this.height + 14);
  }

  // From `low` to `high` during the step.
  bar(step, low, high, color) {
    const left = Math.max(kLeft, this.x(step.begin_us));
    const right = this.x(step.begin_us + step.total_us);
    if (right < kLeft || high <= low) return;
    this.paint.fillStyle = color;
    const width = Math.max(right - left - (right - left > 3 ? 0.6 : 0), 0.8);
    this.paint.fillRect(left, this.y(high), width, this.y(low) - this.y(high));
  }

  // Level `value(step)` during each step for which it is not null.
  levels(steps, value, color) {
    const { paint } = this;
    paint.strokeStyle = color;
    paint.lineWidth = 1.5;
    paint.beginPath();
    let before = null;
    for (const step of steps) {
      const level = value(step);
      const left = Math.max(kLeft, this.x(step.begin_us));
      const right = this.x(step.begin_us + step.total_us);
      if (level === null || right < kLeft) continue;
      const y = this.y(Math.min(level, this.top));
      // Idle time is not drawn over.
      const joined = before !== null && left - before < 4;
      if (joined) paint.lineTo(left, y); else paint.moveTo(left, y);
      paint.lineTo(Math.max(right, left + 1), y);
      before = right;
    }
    paint.stroke();
  }
}
