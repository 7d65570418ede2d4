// How cards look: host configurations in the manner of Teams, one for each theme.

const LIGHT = {
  surface: "#ffffff", emphasis: "#f5f5f5", line: "#d1d1d1",
  text: "#242424", subtle: "#5c5c5c",
  accent: "#4f52b2", good: "#0e6b0e", warning: "#7a5200", attention: "#b3243c",
  tints: { good: "#e9f5e9", warning: "#fdf3d6", attention: "#fcebee", accent: "#ebebfa" },
};

const DARK = {
  surface: "#292929", emphasis: "#363636", line: "#5c5c5c",
  text: "#ffffff", subtle: "#c2c2c2",
  accent: "#aab0ff", good: "#7fd07f", warning: "#f2c661", attention: "#ff9aa8",
  tints: { good: "#1c3a20", warning: "#40320c", attention: "#4a1c24", accent: "#2d2f55" },
};

// As Teams' own high contrast theme: white on black, and every tone has an edge of its own.
const CONTRAST = {
  surface: "#000000", emphasis: "#000000", line: "#ffffff",
  text: "#ffffff", subtle: "#ffffff",
  accent: "#1aebff", good: "#3ff23f", warning: "#ffff01", attention: "#ffb3bd",
  tints: { good: "#000000", warning: "#000000", attention: "#000000", accent: "#000000" },
};

const FONT = "'Segoe UI', 'Open Sans', system-ui, -apple-system, Roboto, 'Helvetica Neue', Kosugi, sans-serif";

function inks(palette) {
  const ink = (strong) => ({ default: strong, subtle: strong });
  return {
    default: { default: palette.text, subtle: palette.subtle },
    dark: { default: palette.text, subtle: palette.subtle },
    light: { default: palette.subtle, subtle: palette.subtle },
    accent: ink(palette.accent),
    good: ink(palette.good),
    warning: ink(palette.warning),
    attention: ink(palette.attention),
  };
}

function box(palette, background, border = background) {
  return { backgroundColor: background, borderColor: border, foregroundColors: inks(palette) };
}

function hostConfig(palette) {
  return {
    fontFamily: FONT,
    fontTypes: {
      default: { fontFamily: FONT },
      monospace: { fontFamily: "Consolas, 'Courier New', monospace" },
    },
    fontSizes: { small: 12, default: 14, medium: 16, large: 18, extraLarge: 24 },
    fontWeights: { lighter: 300, default: 400, bolder: 600 },
    lineHeights: { small: 16, default: 20, medium: 22, large: 24, extraLarge: 32 },
    spacing: { small: 6, default: 10, medium: 14, large: 20, extraLarge: 28, padding: 16 },
    separator: { lineThickness: 1, lineColor: palette.line },
    supportsInteractivity: true,
    imageSizes: { small: 32, medium: 52, large: 100 },
    imageSet: { imageSize: "medium", maxImageHeight: 100 },
    containerStyles: {
      default: box(palette, palette.surface, palette.line),
      emphasis: box(palette, palette.emphasis, palette.line),
      good: box(palette, palette.tints.good),
      warning: box(palette, palette.tints.warning),
      attention: box(palette, palette.tints.attention),
      accent: box(palette, palette.tints.accent),
    },
    actions: {
      maxActions: 6,
      spacing: "default",
      buttonSpacing: 0,
      showCard: { actionMode: "inline", inlineTopMargin: 12, style: "emphasis" },
      actionsOrientation: "horizontal",
      actionAlignment: "left",
      preExpandSingleShowCardAction: false,
      iconPlacement: "leftOfTitle",
      iconSize: 16,
    },
    adaptiveCard: { allowCustomStyle: false },
    textStyles: {
      heading: { fontType: "default", size: "medium", weight: "bolder", color: "default", isSubtle: false },
      columnHeader: { fontType: "default", size: "default", weight: "bolder", color: "default", isSubtle: false },
    },
    textBlock: { headingLevel: 2 },
    factSet: {
      title: { color: "default", isSubtle: true, size: "default", weight: "default", wrap: true, maxWidth: 150 },
      value: { color: "default", isSubtle: false, size: "default", weight: "default", wrap: true },
      spacing: 12,
    },
    inputs: {
      label: {
        inputSpacing: "small",
        requiredInputs: { weight: "bolder", suffix: " *", suffixColor: "attention" },
        optionalInputs: { weight: "bolder" },
      },
      errorMessage: { color: "attention", spacing: "small", size: "small", weight: "default" },
    },
    table: { cellSpacing: 8 },
    media: { allowInlinePlayback: false },
  };
}

export const HOST_CONFIGS = { light: hostConfig(LIGHT), dark: hostConfig(DARK), contrast: hostConfig(CONTRAST) };
