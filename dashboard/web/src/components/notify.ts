/** Short messages at the edge of the screen; their close button has a name in the reader's language. */
import { type NotificationData, notifications } from "@mantine/notifications";
import i18next from "i18next";

/** Shows a message; gives the id to hide it by. */
export const notify = (message: NotificationData): string =>
  notifications.show({ closeButtonProps: { "aria-label": i18next.t("state.close") }, ...message });

export const dismiss = (id: string): void => {
  notifications.hide(id);
};
