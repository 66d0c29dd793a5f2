import { useRouter } from "@tanstack/react-router";
import { type RefObject, useEffect, useState } from "react";

/** Whoever goes to another page is taken to its beginning, and told which it is: what they pressed may be gone. */
export function Arrival({ main }: { main: RefObject<HTMLElement | null> }) {
  const router = useRouter();
  const [told, setTold] = useState("");
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const leave = router.subscribe("onRendered", ({ fromLocation, toLocation, pathChanged }) => {
      if (!fromLocation || !pathChanged || fromLocation.pathname === toLocation.pathname) return;
      // A form that begins with a field has taken the focus already.
      if (!main.current?.contains(document.activeElement)) main.current?.focus({ preventScroll: true });
      clearTimeout(timer);
      timer = setTimeout(() => setTold(document.title.replace(/ · attache$/, "")), 150);
    });
    return () => {
      clearTimeout(timer);
      leave();
    };
  }, [router, main]);
  return (
    <p role="status" aria-live="polite" className="sr-only">
      {told}
    </p>
  );
}
