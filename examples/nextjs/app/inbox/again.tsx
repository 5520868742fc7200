"use client";
import { useEffect } from "react";
import { useRouter } from "next/navigation";

// Reads the page again and again. On a real project Supabase Realtime can say when: docs/inbox.md.
export function Again({ seconds }: { seconds: number }) {
  const router = useRouter();
  useEffect(() => {
    const timer = setInterval(() => document.hidden || router.refresh(), seconds * 1000);
    return () => clearInterval(timer);
  }, [router, seconds]);
  return null;
}
