/** Mantine, made ours: colours and sizes come from tokens.css; nothing here decides behaviour. */
import {
  ActionIcon,
  Button,
  Combobox,
  type CSSVariablesResolver,
  createTheme,
  Input,
  type MantineColorsTuple,
  Modal,
  Select,
  Tooltip,
} from "@mantine/core";

const glacier: MantineColorsTuple = [
  "#e3f7f4",
  "#c5ece7",
  "#9ddcd4",
  "#74cdc1",
  "#4bc9ba",
  "#2fb3a4",
  "#1a9184",
  "#0a736a",
  "#085d56",
  "#064841",
];

/** Mantine's dark greys with our slate hue: inputs, menus and disabled controls use them. */
const dark: MantineColorsTuple = [
  "#dbe3ea",
  "#bdc8d2",
  "#9dabb9",
  "#8291a0",
  "#34424f",
  "#28343f",
  "#161e27",
  "#10161d",
  "#0c1117",
  "#0a0e13",
];

export const theme = createTheme({
  primaryColor: "glacier",
  primaryShade: { dark: 4, light: 7 },
  colors: { glacier, dark },
  fontFamily: "var(--sans)",
  fontFamilyMonospace: "var(--mono)",
  fontSizes: { xs: "12px", sm: "13px", md: "14px", lg: "16px", xl: "20px" },
  defaultRadius: "6px",
  cursorType: "pointer",
  respectReducedMotion: true,
  components: {
    Button: Button.extend({ defaultProps: { size: "xs", variant: "filled" } }),
    ActionIcon: ActionIcon.extend({ defaultProps: { variant: "subtle", color: "gray", size: "md" } }),
    Input: Input.extend({ defaultProps: { size: "xs" } }),
    // What a closed list would offer is not on the page: each one mounted costs as much as ten rows.
    Combobox: Combobox.extend({ defaultProps: { keepMounted: false } }),
    Select: Select.extend({ defaultProps: { size: "xs", allowDeselect: false } }),
    Tooltip: Tooltip.extend({ defaultProps: { openDelay: 350, withArrow: true, multiline: true, maw: 320 } }),
    Modal: Modal.extend({ defaultProps: { centered: true, transitionProps: { duration: 80 } } }),
  },
});

/** Mantine's own variables follow ours, so that one file holds the palette. */
export const variables: CSSVariablesResolver = () => {
  const scheme = {
    "--mantine-color-body": "var(--panel)",
    "--mantine-color-text": "var(--text)",
    "--mantine-color-dimmed": "var(--dim)",
    "--mantine-color-placeholder": "var(--faint)",
    "--mantine-color-default": "var(--raised)",
    "--mantine-color-default-hover": "var(--hover)",
    "--mantine-color-default-color": "var(--text)",
    "--mantine-color-default-border": "var(--line-strong)",
    "--mantine-color-error": "var(--bad)",
    "--mantine-color-anchor": "var(--accent)",
    "--mantine-color-gray-light-color": "var(--dim)",
    "--mantine-color-gray-text": "var(--dim)",
  };
  return { variables: {}, dark: scheme, light: scheme };
};
