import { createContext, type ReactNode, useCallback, useContext, useState } from "react";

interface Told {
  id: number;
  text: string;
}

const Tell = createContext<(text: string) => void>(() => {});

/** Says in passing that something was done. What failed is said where it was asked for, and stays. */
export function useTell() {
  return useContext(Tell);
}

export function Toasts({ children }: { children: ReactNode }) {
  const [told, setTold] = useState<Told[]>([]);
  const tell = useCallback((text: string) => {
    const id = Date.now() + Math.random();
    setTold((before) => [...before.slice(-2), { id, text }]);
    setTimeout(() => setTold((before) => before.filter((it) => it.id !== id)), 5000);
  }, []);
  return (
    <Tell.Provider value={tell}>
      {children}
      <div
        role="status"
        aria-live="polite"
        className="pointer-events-none fixed inset-x-0 bottom-4 z-50 grid justify-items-center gap-2 px-4"
      >
        {told.map((it) => (
          <p key={it.id} className="appear rounded-lg bg-ink px-3.5 py-2 text-[13px] text-ground shadow-lg">
            {it.text}
          </p>
        ))}
      </div>
    </Tell.Provider>
  );
}
