"""What every ledger must do: subclass `LedgerTests` and give it a `ledger` fixture."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from video_rag.digest import of_file
from video_rag.model import Receipt
from video_rag.stores import ApiKey, Failure, Ledger, Result


def _give(ledger: Ledger, video_id: str = "v:1") -> None:
    ledger.commit(video_id, "give", {"video": Result("d0", ""), "origins": Result("d1", "")})


def _failure(stage: str, key: str = "k", due: float | None = None) -> Failure:
    return Failure(stage, key, "ContentError", "broken", "mend it", 1, due)


class LedgerTests:
    """The contract of `stores.Ledger`."""

    def test_a_given_video_is_known_in_the_order_it_came(self, ledger: Ledger) -> None:
        """Order is that of the first `give`."""
        for video_id in ("v:2", "v:1", "v:2"):
            _give(ledger, video_id)
        assert ledger.video_ids() == ["v:2", "v:1"]

    def test_a_video_that_many_give_at_once_is_given(self, ledger: Ledger) -> None:
        """Whoever comes last says what it is; nobody is refused."""
        with ThreadPoolExecutor(6) as pool:
            for number in range(10):
                list(pool.map(lambda _, name=f"v:{number}": _give(ledger, name), range(6)))
        assert sorted(ledger.video_ids()) == sorted(f"v:{number}" for number in range(10))
        assert set(ledger.results("v:3")) == {"video", "origins"}

    def test_a_stage_replaces_all_that_it_made_before(self, ledger: Ledger) -> None:
        """Pictures of an earlier run do not stay."""
        _give(ledger)
        ledger.commit("v:1", "look", {"frames": Result("f1", "k1"), "image/a": Result("a", "k1")})
        ledger.commit("v:1", "look", {"frames": Result("f2", "k2"), "image/b": Result("b", "k2")})
        results = ledger.results("v:1")
        assert results["frames"] == Result("f2", "k2")
        assert "image/a" not in results
        assert set(ledger.digests()) == {"d0", "d1", "f2", "b"}
        assert "image/b" not in ledger.all_results()["v:1"]

    def test_a_result_forgives_its_stage_only(self, ledger: Ledger) -> None:
        """Success ends the failure of that stage."""
        _give(ledger)
        ledger.fail("v:1", _failure("look"))
        ledger.fail("v:1", _failure("listen"))
        ledger.commit("v:1", "look", {"frames": Result("f", "k")})
        assert set(ledger.failures("v:1")) == {"listen"}
        ledger.forgive("v:1")
        assert ledger.failures("v:1") == {}

    def test_a_removed_video_is_forgotten_and_stays_so(self, ledger: Ledger) -> None:
        """A stage that ends after the removal does not bring the video back."""
        _give(ledger)
        ledger.fail("v:1", _failure("look"))
        ledger.keep(Receipt(knowledge="kb", document_id="v:1", revision="r"))
        ledger.remove("v:1")
        ledger.commit("v:1", "look", {"frames": Result("f", "k")})
        assert ledger.results("v:1") == {}
        assert ledger.video_ids() == []
        assert ledger.all_failures() == {}
        assert ledger.receipts("v:1") == []

    def test_a_lost_blob_costs_what_was_made_with_it_but_no_part_of_that(
        self, ledger: Ledger
    ) -> None:
        """Pictures stand for the frames they are of; what was given stays."""
        _give(ledger)
        made = {"frames": Result("f", "k"), "image/a": Result("a", "k"), "seen@s": Result("s", "")}
        ledger.commit("v:1", "look", made)
        ledger.commit("v:1", "read", {"slides": Result("x", "k")})
        ledger.lose("a")
        assert set(ledger.results("v:1")) == {"video", "origins", "seen@s", "slides"}
        ledger.lose("s")
        ledger.lose("d0")
        assert set(ledger.results("v:1")) == {"video", "origins", "slides"}

    def test_a_fact_is_kept_whole_and_names_no_blob(self, ledger: Ledger) -> None:
        """Its value comes with the results of one video, and of all where it is asked for."""
        ledger.commit("v:1", "give", {"video": Result("d", "", "{}"), "talk": Result("e", "")})
        assert ledger.results("v:1")["video"].value == "{}"
        assert set(ledger.digests()) == {"e"}
        assert ledger.all_results()["v:1"]["video"] == Result("d", "")
        assert ledger.all_results(("video",))["v:1"]["video"].value == "{}"

    def test_a_leaving_video_is_found_by_nobody_else(self, ledger: Ledger) -> None:
        """Until it is removed; then it may come again."""
        _give(ledger)
        assert set(ledger.leave("v:1")) == {"video", "origins"}
        assert set(ledger.leave("v:1")) == {"video", "origins"}
        assert (ledger.leaving(), ledger.video_ids(), ledger.all_results()) == (["v:1"], [], {})
        assert ledger.results("v:1") == {}
        ledger.commit("v:1", "look", {"frames": Result("f", "k")})
        assert set(ledger.leave("v:1")) == {"video", "origins"}
        ledger.remove("v:1")
        assert (ledger.leaving(), ledger.leave("v:1")) == ([], {})
        _give(ledger)
        assert ledger.video_ids() == ["v:1"]

    def test_one_owner_has_a_claim_until_it_ends(self, ledger: Ledger) -> None:
        """Taken, refused, extended, given back, run out."""
        here, there = "elsewhere|1|1|", "elsewhere|2|1|"
        assert ledger.claim("v:1", "look", here, 60)
        assert not ledger.claim("v:1", "look", there, 60)
        assert ledger.claim("v:1", "look", here, 60)
        assert ledger.claimed() == {("v:1", "look")}
        ledger.release("v:1", "look", there)
        assert not ledger.claim("v:1", "look", there, 60)
        ledger.release("v:1", "look", here)
        assert ledger.claim("v:1", "look", there, -1)
        assert ledger.claim("v:1", "look", here, 60)

    def test_who_lost_a_claim_commits_nothing(self, ledger: Ledger) -> None:
        """A late result does not take the place of a newer one."""
        _give(ledger)
        late, new = "elsewhere|1|1|1|1", "elsewhere|2|1|2|1"
        assert ledger.claim("v:1", "look", late, -1)
        assert ledger.claim("v:1", "look", new, 60)
        assert not ledger.commit("v:1", "look", {"frames": Result("old", "k")}, late)
        assert "frames" not in ledger.results("v:1")
        assert ledger.commit("v:1", "look", {"frames": Result("new", "k")}, new)
        ledger.release("v:1", "look", new)
        assert not ledger.commit("v:1", "look", {"frames": Result("old", "k")}, late)
        assert ledger.results("v:1")["frames"].digest == "new"

    def test_receipts_are_kept_one_per_base(self, ledger: Ledger) -> None:
        """The later one stands."""
        for base in ("a", "b"):
            ledger.keep(Receipt(knowledge=base, document_id="v:1", revision="r1"))
        done = Receipt(knowledge="a", document_id="v:1", revision="r2", state="done")
        ledger.keep(done)
        assert ledger.receipt("a", "v:1") == done
        assert len(ledger.receipts("v:1")) == 2
        ledger.drop("a", "v:1")
        assert ledger.receipt("a", "v:1") is None

    def test_a_file_is_known_until_it_changes(self, ledger: Ledger, tmp_path: Path) -> None:
        """Size and time tell."""
        path = tmp_path / "a file.mp4"
        path.write_bytes(b"one")
        assert ledger.known_file(path) is None
        ledger.know_files([(path, of_file(path))])
        assert ledger.known_file(path) == of_file(path)
        path.write_bytes(b"three")
        assert ledger.known_file(path) is None

    def test_the_library_has_one_id(self, ledger: Ledger) -> None:
        """The last that was kept."""
        assert ledger.library_id() == ""
        for library_id in ("a", "b", "b"):
            ledger.keep_library_id(library_id)
            assert ledger.library_id() == library_id

    def test_a_revoked_key_stays_listed(self, ledger: Ledger) -> None:
        """So that people see what there was."""
        ledger.add_api_key(ApiKey("1", "alice", "read", "hash", "2026-01-01", revoked=False))
        assert ledger.revoke_api_key("1")
        assert not ledger.revoke_api_key("2")
        assert [key.revoked for key in ledger.api_keys()] == [True]
