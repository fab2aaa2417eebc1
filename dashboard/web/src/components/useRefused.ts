/** Why something asked for was not done, as a message at the edge of the screen. */
import type { NotificationData } from "@mantine/notifications";
import { ApiError } from "../api/client";
import { notify } from "./notify";
import { useErrorText } from "./States";
import { useStable } from "./useStable";

/** A session that has ended is told by the login page alone, which has then come. `more`: what the message has besides. */
export function useRefused(more?: Partial<NotificationData>): (error: unknown) => void {
  const errorText = useErrorText();
  return useStable((error: unknown) => {
    if (error instanceof ApiError && error.kind === "not_authenticated") return;
    notify({ color: "red", message: errorText(error), ...more });
  });
}
