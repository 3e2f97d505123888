"""Like `cif`, but a language model teaches what is fired, and the decoder's states."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

from torch import Tensor, nn

from cifviz.core.firing import Firing
from cifviz.core.losses import border_mass_loss
from cifviz.core.validation import described
from cifviz.errors import CIFError, require
from cifviz.systems.base import Batch, Collate, Metric
from cifviz.systems.decoders import Decoder
from cifviz.systems.distillation_losses import contrastive_loss, regression_loss
from cifviz.systems.encoder_system import Encoded
from cifviz.systems.hieradist_decoder import ProjectedARDecoder
from cifviz.systems.hieradist_settings import DistillationConfig
from cifviz.systems.state_input import StateInputConfig, StateInputRecognizer
from cifviz.systems.teacher_states import collate_states
from cifviz.systems.word_pieces import word_errors

TEACHER = "teacher"
"""The further input in training: of each utterance the teacher's states (tokens, width)."""
ACOUSTIC, LINGUISTIC, CONSTRAINT = "acoustic", "linguistic", "constraint"
"""The losses."""


@dataclass(frozen=True)
class HieraDistConfig(StateInputConfig):
    """Everything that makes a `HieraDistRecognizer`, but for its weights.

    A decoder of the kind "ar" is a `ProjectedARDecoder`, that of CIF-HieraDist.
    """

    distillation: DistillationConfig = field(default_factory=DistillationConfig)


class HieraDistRecognizer(StateInputRecognizer):
    """Like `CIFRecognizer`, but in training a language model teaches it (HieraDist).

    The teacher reads the transcript and has a state for each of its tokens. A fired embedding,
    projected to the teacher's width, should be nearer to the state of its token than to those of
    other tokens in the batch: the loss "acoustic", see `contrastive_loss`. What the decoder gives
    to its output layer, projected as well, should be that state: the loss "linguistic", see
    `regression_loss`. Transcription needs no teacher and is that of a `CIFRecognizer`.

    In a CTC-constrained CIF, ``distillation.use_ctc_constraint``, the weights that a CIF scaled to
    the number of tokens should add up to one token from each frame in which CTC finds a token to
    the next one: the loss "constraint", see `border_mass_loss`. It changes no fire by itself.

    Parameters
    ----------
    config : HieraDistConfig
        What to build.

    Attributes
    ----------
    acoustic_projection, linguistic_projection : nn.Linear
        To the width of the teacher; used in training alone.

    Notes
    -----
    Paper: Han et al. (2023, arXiv 2301.13003), code: github.com/MingLunHan/CIF-HieraDist. There the
    teacher is BERT-base for Chinese, whose units are characters; its state of [SEP] is paired with
    the end of the sentence, which that CIF fires for. Here nothing is fired for the end, and a
    teacher has as many states as an utterance has tokens. Training without the teacher's states is
    an error. The decoder's states are computed for the loss "linguistic" once more, with dropout of
    their own. The encoder is that of this library, not a Conformer.

    Examples
    --------
    >>> import torch
    >>> from cifviz.core.module import CIFConfig
    >>> from cifviz.systems.encoder import EncoderConfig
    >>> config = HieraDistConfig(
    ...     vocabulary=("no", "yes"),
    ...     encoder=EncoderConfig(channels=8, dilations=()),
    ...     cif=CIFConfig(encoder_embed_dim=8),
    ...     distillation=DistillationConfig(bert_distill_feat_dim=3),
    ... )
    >>> model = HieraDistRecognizer(config)
    >>> states = {"teacher": torch.eye(3)[:2]}
    >>> by = model.extras
    >>> batch = Batch.collate([torch.randn(40, 40)], [[1, 0]], extras=[states], by=by)
    >>> sorted(model(batch))
    ['acoustic', 'cross_entropy', 'ctc', 'linguistic', 'quantity']
    """

    Config = HieraDistConfig
    config: HieraDistConfig
    extras: Mapping[str, Collate] = {TEACHER: collate_states}
    metrics: ClassVar[Mapping[str, Metric]] = {
        **StateInputRecognizer.metrics,
        "words": word_errors,
    }

    def __init__(self, config: HieraDistConfig):
        super().__init__(config)
        settings = config.distillation
        width = settings.bert_distill_feat_dim
        self.acoustic_projection = nn.Linear(config.cif.embedding_dim, width)
        self.linguistic_projection = nn.Linear(self.decoder.output.in_features, width)
        weights = {
            **super().loss_weights,
            "ctc": settings.ctc_loss_lambda,
            "quantity": settings.quantity_loss_lambda,
        }
        if settings.apply_cif_contrastive_dis_cos_loss:
            weights[ACOUSTIC] = settings.cif_contrastive_dis_cos_loss_lambda
        if settings.apply_dec_state_dis_loss:
            weights[LINGUISTIC] = settings.dec_state_dis_loss_lambda
        if settings.use_ctc_constraint:
            weights[CONSTRAINT] = settings.align_loss_lambda
        self.loss_weights: Mapping[str, float] = weights

    def make_decoder(self) -> Decoder:
        """The decoder of the configuration, where "ar" is a `ProjectedARDecoder`."""
        config = self.config
        if config.decoder.kind != "ar":
            return super().make_decoder()
        dim = config.cif.embedding_dim
        return ProjectedARDecoder(config.decoder, dim, len(config.vocabulary))

    def own_losses(
        self,
        firing: Firing,
        adapted: Tensor,
        encoded: Encoded,
        *,
        wanted: Collection[str],
    ) -> dict[str, Tensor]:
        """Losses "acoustic", "linguistic" and "constraint", those of them that are switched on.

        In evaluation mode, without the teacher's states, those of the teacher are left out.

        Raises
        ------
        CIFError
            If in training the states of the teacher are missing, or they are not one for each
            token, of the width of the configuration.
        """
        losses = {}
        if CONSTRAINT in self.loss_weights:
            losses[CONSTRAINT] = self._constraint(firing, encoded)
        teacher = self._teacher(encoded.batch)
        if teacher is None:
            return losses
        students = self.students(firing, adapted, encoded)
        settings = self.config.distillation
        counts = firing.num_fires.minimum(encoded.batch.target_lengths)
        common = min(adapted.shape[1], teacher.shape[1])
        teacher = teacher[:, :common]
        counts = counts.clamp(max=common)
        if ACOUSTIC in students:
            losses[ACOUSTIC] = contrastive_loss(
                students[ACOUSTIC][:, :common],
                teacher,
                counts,
                temperature=settings.contrastive_temperature,
                negatives=settings.num_contrastive_negative_samples,
                remove_overlap=settings.remove_overlap_in_negs,
            )
        if LINGUISTIC in students:
            losses[LINGUISTIC] = regression_loss(
                students[LINGUISTIC][:, :common],
                teacher,
                counts,
                mean_over_dim=not settings.no_dim_scaling_for_mse_loss,
            )
        return losses

    def students(self, firing: Firing, adapted: Tensor, encoded: Encoded) -> dict[str, Tensor]:
        """What is held against the teacher, by the names of the losses that are switched on.

        Parameters
        ----------
        firing : Firing
        adapted : Tensor (batch, fires, dim)
            What `adapt` gave for it.
        encoded : Encoded
            With the targets.

        Returns
        -------
        dict of str to Tensor (batch, fires, width)
        """
        found: dict[str, Tensor] = {}
        if ACOUSTIC in self.loss_weights:
            found[ACOUSTIC] = self.acoustic_projection(firing.embeddings)
        if LINGUISTIC in self.loss_weights:
            fires = adapted.shape[1]
            targets = encoded.batch.targets
            missing = max(0, fires - targets.shape[1])
            told = nn.functional.pad(targets, (0, missing))[:, :fires].clamp(min=0)
            states = self.decoder.told(adapted, firing.num_fires.clamp(max=fires), told)
            found[LINGUISTIC] = self.linguistic_projection(states)
        return found

    def _constraint(self, firing: Firing, encoded: Encoded) -> Tensor:
        """`border_mass_loss` of the scaled weights, between the borders of the model's own CTC."""
        blank = self.ctc(encoded.encoder_out).detach().softmax(dim=2)[:, :, -1]
        scaled = replace(firing, alpha=firing.scaled_alpha)
        return border_mass_loss(scaled, blank, encoded.batch.target_lengths)

    def _teacher(self, batch: Batch) -> Tensor | None:
        """The teacher's states (batch, tokens, width); None where they are not needed."""
        settings = self.config.distillation
        states = batch.extras.get(TEACHER)
        width = settings.bert_distill_feat_dim
        if states is None:
            require(
                not (self.training and settings.needs_teacher),
                f"training needs the teacher's states, extras {{{TEACHER!r}: (tokens, {width})}} "
                "of each utterance, such as TeacherStates.of gives; there are none",
            )
            return None
        expected = (*batch.targets.shape, width)
        if tuple(states.shape) != expected:
            raise CIFError(
                "the teacher's states must be one for each token, (batch, tokens, "
                f"bert_distill_feat_dim) = {expected}, got {described(states)}"
            )
        return states
