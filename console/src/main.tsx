import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { isApiError } from "./api/problem";
import "./app.css";
import { Toasts } from "./kit/toast";
import { router } from "./router";
import { applyTheme } from "./shell/theme";

applyTheme();

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      // attache may run on this very machine, whatever the browser thinks of its network.
      networkMode: "always",
      staleTime: 5_000,
      // What the API refuses, it refuses again; what did not arrive is asked for twice more.
      retry: (failures, error) => failures < 2 && (!isApiError(error) || error.status === 0 || error.status === 503),
    },
    // Sent now or not at all, never later; and what was sent, secrets among it, is not kept once the form is gone.
    mutations: { networkMode: "always", gcTime: 0 },
  },
});

const place = document.getElementById("console");
if (place) {
  createRoot(place).render(
    <StrictMode>
      <QueryClientProvider client={queries}>
        <Toasts>
          <RouterProvider router={router} />
        </Toasts>
      </QueryClientProvider>
    </StrictMode>,
  );
}
